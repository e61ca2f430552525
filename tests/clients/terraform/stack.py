"""One configuration, from nothing to nothing."""

import json
import os
import pathlib
import re
import shutil
import subprocess

CERTIFICATES = pathlib.Path(__file__).resolve().parents[2] / "data" / "certificates"
PRODUCTS = ("vpc", "vpcpeer", "ecs", "slb", "location", "sts", "bssopenapi", "resourcemanager")
PROVIDER_CONFIGURATION = """
terraform {{
  required_providers {{
    alicloud = {{
      source = "aliyun/alicloud"
    }}
  }}
}}

provider "alicloud" {{
  region       = "{region}"
  access_key   = "{key}"
  secret_key   = "{secret}"
  protocol     = "HTTPS"
  account_type = "Domestic"

  # The provider knows the regions itself, and the service is to judge a wrong one.
  skip_region_validation = true

  endpoints {{
{endpoints}
  }}
}}
"""

# How terraform quotes the block of a configuration.
BLOCK = re.compile(r'(?:(data)|resource) "([^"]+)" "([^"]+)"')

# Made anew by a change of their arguments, as the provider has it, or only there to join two others.
REPLACED = {"alicloud_route_entry.main", "alicloud_security_group_rule.egress"}

# What an import cannot know, because the service does not tell it or because it is the provider's own.
NOT_IMPORTED = {
    "alicloud_instance": {"password", "user_data", "dry_run", "force_delete", "period", "include_data_disks"},
    "alicloud_havip_attachment": {"force"},
    "alicloud_slb_rule": {"delete_protection_validation"},
    "alicloud_slb_domain_extension": {"delete_protection_validation"},
    "alicloud_vswitch": {"ipv6_cidr_block_mask"},
    "alicloud_slb_server_certificate": {"server_certificate", "private_key"},
    "alicloud_slb_ca_certificate": {"ca_certificate"},
}


class Stack:
    """A folder of `stacks`, run in a folder of its own; `cases` are its failures by case and stage."""

    def __init__(self, folder, scratch, endpoint=None, authority=None):
        self.name = folder.name
        self.source = folder
        self.home = scratch / folder.name
        self.endpoint = endpoint or os.environ["CLOUDNET_ENDPOINT"]
        self.authority = authority or os.environ["CLOUDNET_CA"]
        self.cases = {}

    def run(self):
        """All stages. What one cannot do is not asked of the ones after it."""
        self.prepare(self.home)
        self.change("create", 0)
        self.unchanged("difference after create", 0)
        created = self.addresses()
        self.updates(1)
        self.unchanged("difference after update", 1)
        self.change("update back", 2)
        self.unchanged("difference after update back", 2)
        self.import_all(created)
        self.destroy()

    def prepare(self, home):
        """A folder with the configuration, and the provider to be used instead of the registry's."""
        shutil.copytree(self.source, home)
        self.configure(home)
        overrides = home / "overrides"
        overrides.mkdir()
        (overrides / "terraform-provider-alicloud").symlink_to(
            os.path.realpath(os.environ["CLOUDNET_TERRAFORM_PROVIDER"])
        )
        (home / "terraform.rc").write_text(
            f'provider_installation {{\n  dev_overrides {{\n    "aliyun/alicloud" = "{overrides}"\n  }}\n  direct {{}}\n}}\n'
        )

    def configure(self, home, region="cn-hangzhou", key="terraform", secret="terraform"):
        """Whom the provider asks, and as whom."""
        endpoints = "\n".join(f'    {product} = "{self.endpoint}"' for product in PRODUCTS)
        text = PROVIDER_CONFIGURATION.format(endpoints=endpoints, region=region, key=key, secret=secret)
        (home / "provider.tf").write_text(text)

    def terraform(self, home, *arguments):
        """Runs terraform and gives its status and output."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("TF_", "ALI"))}
        environment.update(
            TF_CLI_CONFIG_FILE=str(home / "terraform.rc"),
            TF_IN_AUTOMATION="1",
            CHECKPOINT_DISABLE="1",
            SSL_CERT_FILE=str(self.authority),
            TF_VAR_certificates=str(CERTIFICATES),
        )
        program = os.environ.get("CLOUDNET_TERRAFORM") or "terraform"
        done = subprocess.run(
            [program, *arguments], cwd=home, env=environment, capture_output=True, text=True, check=False
        )
        with (home / "log").open("a") as log:
            log.write(f"$ terraform {' '.join(arguments)}\n{done.stdout}{done.stderr}\n")
        return done

    def fail(self, case, stage, why):
        """Notes the first failure of a case in a stage."""
        self.cases.setdefault(case, {}).setdefault(stage, " ".join(why.split())[:600])

    def stream(self, stage, home, *arguments):
        """Runs a command with machine-readable output; its errors are failures of what they are about."""
        command, *options = arguments
        done = self.terraform(home, command, "-json", *options)
        for line in done.stdout.splitlines():
            said = json.loads(line)
            diagnostic = said.get("diagnostic", {})
            if diagnostic.get("severity") == "error":
                self.fail(self.subject(diagnostic), stage, f"{diagnostic['summary']} {diagnostic.get('detail', '')}")
        return done.returncode

    def subject(self, diagnostic):
        """The case that a diagnostic is about; a condition on an answer has a place in the file instead of an address."""
        block = BLOCK.match((diagnostic.get("snippet") or {}).get("context") or "")
        if diagnostic.get("address"):
            return case_of(diagnostic["address"])
        if block:
            return case_of(".".join(part for part in (block[1] and "data", block[2], block[3]) if part))
        return f"stack {self.name}"

    def change(self, stage, step):
        """Makes the world what the configuration says in a step."""
        return self.stream(stage, self.home, "apply", "-auto-approve", f"-var=step={step}")

    def plan(self, stage, home, step, *options):
        """What terraform would change, by address."""
        if self.stream(stage, home, "plan", f"-var=step={step}", "-out=plan", *options) != 0:
            return {}
        shown = json.loads(self.terraform(home, "show", "-json", "plan").stdout)
        return {
            change["address"]: change["change"]
            for change in shown.get("resource_changes", []) if change["mode"] == "managed"
        }

    def unchanged(self, stage, step):
        """Nothing must be left to change."""
        for address, change in self.plan(stage, self.home, step).items():
            if change["actions"] != ["no-op"]:
                self.fail(case_of(address), stage, difference(change))

    def updates(self, step):
        """Everything that has arguments to be changed is changed, and in place where it can be."""
        for address, change in self.plan("update", self.home, step).items():
            if change["actions"] == ["update"] or change["actions"] == ["no-op"]:
                continue
            if change["actions"] != ["delete", "create"] or address not in REPLACED:
                self.fail(case_of(address), "update", difference(change))
        self.stream("update", self.home, "apply", "plan")

    def addresses(self):
        """The ids of everything in the state, by address; each is a case from here on."""
        shown = json.loads(self.terraform(self.home, "show", "-json").stdout)
        resources = shown.get("values", {}).get("root_module", {}).get("resources", [])
        for resource in resources:
            self.cases.setdefault(case_of(resource["address"]), {})
        return {r["address"]: r["values"]["id"] for r in resources if r["mode"] == "managed"}

    def import_all(self, known):
        """Into an empty state, without a difference."""
        home = self.home.with_name(f"{self.name}-import")
        self.prepare(home)
        known = {**known, **self.addresses()}
        (home / "import.tf").write_text(
            "".join(f'import {{\n  to = {address}\n  id = "{id}"\n}}\n' for address, id in known.items())
        )
        for address, change in self.plan("import", home, 2).items():
            expected = NOT_IMPORTED.get(address.split(".")[0], set()) | {"timeouts"}
            if change["actions"] == ["create"] or known_to_differ(change) - expected:
                self.fail(case_of(address), "import", difference(change))

    def wrong(self):
        """What failed so far, by case and stage."""
        return {case: stages for case, stages in self.cases.items() if stages}

    def destroy(self):
        """Takes everything away, whatever was protected before."""
        self.stream("destroy", self.home, "apply", "-destroy", "-auto-approve", "-var=step=2")


def case_of(address):
    """The name of the case of a resource or data source."""
    return address.replace("alicloud_", "")


def differing(change):
    """The arguments in which a plan differs from what is there."""
    before, after = change["before"] or {}, change["after"] or {}
    unknown = change.get("after_unknown") or {}
    return {
        key for key in {*before, *after}
        if before.get(key) != after.get(key) and not (unknown.get(key) and key not in after)
    } | {key for key, value in unknown.items() if value is True}


def known_to_differ(change):
    """The arguments that have another value in the configuration, without those that a new object would get."""
    before, after = change["before"] or {}, change["after"] or {}
    return {key for key in after if before.get(key) != after[key]}


def difference(change):
    """A plan's change in words."""
    before, after = change["before"] or {}, change["after"] or {}
    parts = [
        f"{key}: {json.dumps(before.get(key))} -> {json.dumps(after[key]) if key in after else 'known later'}"
        for key in sorted(differing(change))
    ]
    return f"{'+'.join(change['actions'])} {'; '.join(parts)}"
