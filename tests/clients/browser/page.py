"""Swagger UI in Chromium: what somebody sees and clicks, in words."""

import json
import os
import tempfile

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--window-size=1280,1400",
]
# A shared machine can be slow; nothing here waits for a fixed time.
PATIENCE = 60


def browser():
    """A Chromium with an empty profile of its own."""
    options = Options()
    options.binary_location = "/usr/bin/chromium"
    profile = tempfile.mkdtemp(dir=os.environ["CLOUDNET_SCRATCH"])
    for flag in [*FLAGS, f"--user-data-dir={profile}"]:
        options.add_argument(flag)
    return webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))


class Page:
    """Swagger UI of one server."""

    def __init__(self, driver, url):
        self.driver = driver
        # The bare address: a browser is sent on to Swagger UI.
        driver.get(url + "/")
        self.wait(lambda: self.all(".opblock"))

    def wait(self, ready):
        """Waits until something is so, and gives it."""
        return WebDriverWait(self.driver, PATIENCE, poll_frequency=0.1).until(lambda _: ready())

    def all(self, selector, within=None):
        """Everything that fits a CSS selector."""
        return (within or self.driver).find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector, within=None):
        """The first that fits a CSS selector, as soon as there is one."""
        return self.wait(lambda: self.all(selector, within))[0]

    def click(self, element):
        """Clicks; the page is longer than the window, so the element is brought into it first."""
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        self.driver.execute_script("arguments[0].click()", element)

    def operations(self):
        """The operations that the page lists, by tag."""
        listed = {}
        for section in self.all(".opblock-tag-section"):
            tag = self.one(".opblock-tag", section).get_attribute("data-tag")
            listed[tag] = [block.get_attribute("id").rsplit("-", 1)[1] for block in self.all(".opblock", section)]
        return listed

    def operation(self, name):
        """Opens an operation."""
        block = self.one(f".opblock[id$='-{name}']")
        if not self.all(".opblock-body", block):
            self.click(self.one(".opblock-summary-control", block))
        self.wait(lambda: self.all(".opblock-body .responses-wrapper", block))
        return block

    def close(self, name):
        """Closes an operation: an open one makes the page slow."""
        block = self.one(f".opblock[id$='-{name}']")
        self.click(self.one(".opblock-summary-control", block))
        self.wait(lambda: not self.all(".opblock-body", block))

    def example(self, name):
        """The example of a request that an operation shows."""
        block = self.operation(name)
        body = ".opblock-section-request-body"
        shown = self.one(f"{body} textarea.body-param__text, {body} .highlight-code pre", block)
        return shown.get_attribute("value") or shown.get_attribute("textContent")

    def try_out(self, name, body=None, parameters=None):
        """"Try it out": fills in what is given, executes, and gives status, headers and body that the page shows."""
        block = self.operation(name)
        if not self.all(".execute", block):
            self.click(self.one(".try-out__btn", block))
        execute = self.one(".execute", block)
        if body is not None:
            self.fill(self.one("textarea.body-param__text", block), json.dumps(body, indent=2))
        for parameter, value in (parameters or {}).items():
            self.fill(self.one(f"tr[data-param-name='{parameter}'] input", block), value)
        for clear in self.all(".btn-clear", block):
            self.click(clear)
        self.click(execute)
        live = self.one(".live-responses-table .response", block)
        status = int(self.one(".response-col_status", live).text.split()[0])
        shown = self.all(".response-col_description .highlight-code pre", live)
        texts = [element.get_attribute("textContent") for element in shown]
        headers = "\n".join(
            header.get_attribute("textContent") for header in self.all(".response-col_description .headerline", live)
        )
        return Shown(block, status, headers, json.loads(texts[0]) if texts and texts[0] else None)

    def fill(self, field, text):
        """Writes into a field as React hears it."""
        self.driver.execute_script(
            """
            const prototype = arguments[0].tagName === 'TEXTAREA' ? HTMLTextAreaElement : HTMLInputElement;
            Object.getOwnPropertyDescriptor(prototype.prototype, 'value').set.call(arguments[0], arguments[1]);
            arguments[0].dispatchEvent(new Event('input', {bubbles: true}));
            arguments[0].dispatchEvent(new Event('change', {bubbles: true}));
            """,
            field,
            text,
        )

    def authorize(self, token):
        """The button "Authorize"."""
        self.click(self.one(".btn.authorize"))
        self.fill(self.one(".auth-container input"), token)
        self.click(self.one(".auth-container .btn.authorize, .auth-btn-wrapper .btn.authorize"))
        self.click(self.one(".auth-btn-wrapper .btn-done, .close-modal"))
        self.wait(lambda: not self.all(".dialog-ux"))


class Shown:
    """What the page shows of an answer."""

    def __init__(self, block, status, headers, body):
        self.block = block
        self.status = status
        self.headers = headers
        self.body = body
