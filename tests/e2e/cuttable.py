"""A TCP proxy whose link can be cut and mended: what a network does to AMI."""

import socket
import threading
from types import TracebackType

BUFFER_BYTES = 65536


class CuttableLink:
    """Forwards a port of its own on loopback to `target_port`, until cut."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._is_cut = False
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Close what is connected and whatever connects."""
        with self._lock:
            self._is_cut = True
            for each in self._open:
                each.close() if each.fileno() < 0 else _shut(each)

    def mend(self) -> None:
        """Forward again."""
        with self._lock:
            self._is_cut = False

    def close(self) -> None:
        """Cut for good."""
        self.cut()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                is_cut = self._is_cut
            if is_cut:
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self._target_port))
            with self._lock:
                self._open |= {near, far}
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(BUFFER_BYTES):
                sink.sendall(data)
        except OSError:
            pass  # cut: the other pump ends the same way
        for each in (source, sink):
            _shut(each)
        with self._lock:
            self._open.discard(source)
        source.close()

    def __enter__(self) -> "CuttableLink":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _shut(each: socket.socket) -> None:
    try:
        each.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # closed already
