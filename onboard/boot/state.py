"""What the parts of the boot code and the shims share: one life of the module."""

from boot import native


class Life:
    """Filled by ``boot.start``; the shims read it."""

    started_us = native.time.ticks_us()  # ticks count from here
    facts = None  # what the supervisor said at power-on
    calls = None  # channel.Calls
    partitions = None  # files.Partitions
    protected = ()  # mount names whose writing calls return -1
    g = None  # the one global name space of boot script, main.py, example.exec and the prompt
    events = None  # events.Events
    stopped = {}  # native numbers of threads that have been stopped and have not noticed yet

    def end_if_stopped(self):
        """End the calling thread if another one stopped it: asked wherever a thread waits or asks for something."""
        if self.stopped and native.thread.get_ident() in self.stopped:
            raise SystemExit


life = Life()


def is_protected(path):
    """True when the path lies in a file system whose writing calls return -1."""
    if not path.startswith("/"):
        path = native.os.getcwd() + "/" + path
    for part in path.split("/"):
        if part:
            return part in life.protected
    return False
