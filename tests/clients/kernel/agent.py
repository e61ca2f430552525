"""Runs in the namespace of a host: answers on its ports, and opens the connections that it is told to."""

import asyncio
import json
import os
import socket
import sys

# Nothing is lost on the way here, so whoever does not answer in this time was dropped.
PATIENCE = 2.0


class Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.transport.sendto(data, address)


async def listen(addresses, ports):
    async def greet(_, writer):
        writer.write(b"!")
        writer.close()

    loop = asyncio.get_running_loop()
    for address in addresses:
        for port in ports:
            await asyncio.start_server(greet, address, port)
            await loop.create_datagram_endpoint(Echo, local_addr=(address, port))


async def tcp(source, address, port, source_port):
    reader, writer = await asyncio.open_connection(address, port, local_addr=(source, source_port))
    came = await reader.read(1)
    writer.close()
    return came == b"!"


async def datagram(kind, source, address, port, source_port, message):
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM, kind) as channel:
        channel.setblocking(False)
        channel.bind((source, source_port))
        channel.connect((address, port))
        await loop.sock_sendall(channel, message)
        return len(await loop.sock_recv(channel, 100)) > 0


async def attempt(source, protocol, address, port, source_port):
    try:
        async with asyncio.timeout(PATIENCE):
            if protocol == "tcp":
                return await tcp(source, address, port, source_port)
            if protocol == "udp":
                return await datagram(0, source, address, port, source_port, b"?")
            echo_request = b"\x08\x00\x00\x00\x00\x00\x00\x01"
            return await datagram(socket.IPPROTO_ICMP, source, address, 0, 0, echo_request)
    except (OSError, TimeoutError):
        return False


async def main():
    asked = json.loads(sys.argv[1])
    await listen(asked["addresses"], asked["ports"])
    print("ready", flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        work = json.loads(line)
        tries = [attempt(work["source"], *flow) for flow in work["flows"]]
        print(json.dumps(await asyncio.gather(*tries)), flush=True)
    os._exit(0)


asyncio.run(main())
