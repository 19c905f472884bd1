#!/usr/bin/env python3
"""A proxy that gives every connection to the next of several instances, and passes over those that are down.

Usage: round_robin.py READY_FILE HOST:PORT…      READY_FILE gets the proxy's URL
"""

import contextlib
import itertools
import os
import socket
import sys
import threading

NOBODY = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def pump(source, target):
    """Passes octets on until there are no more. What ends one direction leaves the other alone: an answer may be under way."""
    with contextlib.suppress(OSError):
        while octets := source.recv(65536):
            target.sendall(octets)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def serve(client, instances):
    for address in instances:
        try:
            instance = socket.create_connection(address)
            break
        except OSError:
            continue
    else:
        with client, contextlib.suppress(OSError):
            client.sendall(NOBODY)
        return
    with client, instance:
        for end in (client, instance):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        there = threading.Thread(target=pump, args=(client, instance), daemon=True)
        there.start()
        pump(instance, client)
        # Whoever still sends is sending to nobody.
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RD)
        there.join()


def main():
    ready, *addresses = sys.argv[1:]
    instances = [(host, int(port)) for host, port in (address.rsplit(":", 1) for address in addresses)]
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as door:
        with open(ready + ".new", "w", encoding="ascii") as file:
            file.write(f"http://127.0.0.1:{door.getsockname()[1]}\n")
        os.rename(ready + ".new", ready)
        for turn in itertools.count():
            client, _ = door.accept()
            first = turn % len(instances)
            threading.Thread(target=serve, args=(client, instances[first:] + instances[:first]), daemon=True).start()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
