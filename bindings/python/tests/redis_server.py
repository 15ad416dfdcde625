# A real redis-server for a test, on a free port of this machine.
# SPDX-License-Identifier: Apache-2.0
import signal
import socket
import subprocess
import time


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class RedisServer:
    """Runs from the beginning. What was written is gone when it is killed."""

    def __init__(self, directory, *arguments):
        self.port = free_port()
        self.directory = directory
        self.arguments = arguments
        self.start()

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}"

    def start(self):
        fixed = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(
            ["redis-server", *fixed, *self.arguments],
            cwd=self.directory,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + 10
        while not self.answers():
            assert self.process.poll() is None and time.monotonic() < end, "redis-server does not start"
            time.sleep(0.01)

    def answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith((b"+PONG", b"-NOAUTH"))
        except OSError:
            return False

    def command(self, *words):
        """What redis-cli prints."""
        command = ["redis-cli", "-p", str(self.port), *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()

    def send(self, *words):
        """What the server replies to a command of any bytes: numbers, bytes, None, or lists of these."""
        parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        request = b"".join([b"*%d\r\n" % len(parts), *(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)])
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(request)
            with connection.makefile("rb") as replies:
                return _reply(replies)

    def hset(self, key, mapping):
        """As programs with redis-py write their documents."""
        return self.send("HSET", key, *(word for pair in mapping.items() for word in pair))

    def hgetall(self, key):
        words = self.send("HGETALL", key)
        return dict(zip((name.decode() for name in words[0::2]), words[1::2]))

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        self.process.kill()
        self.process.wait()


def _reply(replies):
    kind, rest = replies.read(1), replies.readline()[:-2]
    if kind == b"-":
        raise RuntimeError(rest.decode())
    if kind == b"+":
        return rest
    if kind == b":":
        return int(rest)
    if kind == b"*":
        return [_reply(replies) for _ in range(int(rest))]
    return None if rest == b"-1" else replies.read(int(rest) + 2)[:-2]
