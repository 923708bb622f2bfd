"""``log``: levels, named loggers, one line per message.

Modelled: levels, named loggers, ``basicConfig``, ``set_output`` with a UART or a standard stream. Not modelled:
handlers.

Source: device-api 10.4.
"""

import usys as _sys

_ORDER = (
    "CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG", "NOTSET", "Logger", "getLogger", "basicConfig", "set_output",
    "debug", "info",
)  # fmt: skip

CRITICAL = 50
ERROR = 40
WARNING = 30
INFO = 20
DEBUG = 10
NOTSET = 0

_NAMES = {CRITICAL: "CRIT", ERROR: "ERROR", WARNING: "WARN", INFO: "INFO", DEBUG: "DEBUG"}
_level = [INFO]
_stream = [_sys.stderr]
_loggers = {}


class Logger:
    """Writes ``LEVEL:name:message`` lines."""

    level = NOTSET

    def __init__(self, name):
        self.name = name
        self._output = None

    def setLevel(self, level):
        self.level = level

    def isEnabledFor(self, level):
        return level >= (self.level or _level[0])

    def set_output(self, output):
        self._output = _checked(output)

    def log(self, level, message, *arguments):
        if self.isEnabledFor(level):
            if arguments:
                message = message % arguments
            line = "%s:%s:%s\n" % (_NAMES.get(level, "LVL%s" % level), self.name, message)
            (self._output or _stream[0]).write(line)

    def debug(self, message, *arguments):
        self.log(DEBUG, message, *arguments)

    def info(self, message, *arguments):
        self.log(INFO, message, *arguments)

    def warning(self, message, *arguments):
        self.log(WARNING, message, *arguments)

    def error(self, message, *arguments):
        self.log(ERROR, message, *arguments)

    def critical(self, message, *arguments):
        self.log(CRITICAL, message, *arguments)


def getLogger(name="root"):
    if name not in _loggers:
        _loggers[name] = Logger(name)
    return _loggers[name]


def basicConfig(level=INFO, filename=None, stream=None, format=None):
    _level[0] = level
    if stream is not None:
        _stream[0] = stream
    if filename is not None:
        print("logging.basicConfig: filename arg is not supported")
    if format is not None:
        print("logging.basicConfig: format arg is not supported")


def set_output(output):
    _stream[0] = _checked(output)


def _checked(output):
    """The output, when it is one that the module takes."""
    if output is not _sys.stdout and output is not _sys.stderr:
        import machine

        if not isinstance(output, machine.UART):
            raise Exception("output must be a UART, usys.stdout or usys.stderr")
    return output


def debug(message, *arguments):
    getLogger().debug(message, *arguments)


def info(message, *arguments):
    getLogger().info(message, *arguments)
