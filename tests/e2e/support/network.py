"""The network between two programs on this machine, that can be cut, freeze, and lose whatever connections it carries."""

import contextlib
import socket
import struct
import threading


class Network:
    """Carries TCP connections from `port` to another port of this machine."""

    def __init__(self, target):
        self.target = target
        self.flowing = threading.Event()
        self.flowing.set()
        self.pairs = set()
        self.lost = set()  # pairs that nobody carries anything for any more
        self.is_open = True
        self.door = self.port = None
        self.mend()

    def mend(self):
        """Connections are made again, and what was frozen goes on."""
        if self.door is None:
            self.door = socket.create_server(("127.0.0.1", self.port or 0), backlog=128)
            self.port = self.door.getsockname()[1]
            threading.Thread(target=self._accept, args=(self.door,), daemon=True).start()
        self.flowing.set()

    def freeze(self):
        """Nothing gets through, and nobody is told: no end, no reset, no refusal."""
        self.flowing.clear()

    def lose(self):
        """The same for ever for the connections that there are; new ones are made as ever, as after a firewall has forgotten them."""
        self.lost |= self.pairs

    def cut(self):
        """Every connection is reset, and new ones are refused."""
        door, self.door = self.door, None
        with contextlib.suppress(OSError):
            door.shutdown(socket.SHUT_RDWR)  # wakes who accepts
        door.close()
        for pair in list(self.pairs):
            self._drop(pair)

    def close(self):
        if self.door:
            self.cut()
        self.flowing.set()

    def _accept(self, door):
        while True:
            try:
                client, _ = door.accept()
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                if self.door is not door:
                    return
                client.close()
                continue
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pair = (client, server)
            self.pairs.add(pair)
            for source, sink in (pair, pair[::-1]):
                threading.Thread(target=self._carry, args=(pair, source, sink), daemon=True).start()

    def _carry(self, pair, source, sink):
        with contextlib.suppress(OSError):
            while octets := source.recv(65536):
                self.flowing.wait()
                if pair in self.lost:
                    continue
                sink.sendall(octets)
        if pair not in self.lost:
            self.flowing.wait()
            self._drop(pair)

    def _drop(self, pair):
        self.pairs.discard(pair)
        for end in pair:
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.shutdown(socket.SHUT_RDWR)
            end.close()
