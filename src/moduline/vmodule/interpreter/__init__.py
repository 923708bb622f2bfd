"""The script half of a virtual module: real MicroPython in a sandboxed child, spoken to over a REPL port.

``RuntimePlan`` says what one power-on life consists of, ``ScriptRuntime`` lives it, ``Zygote`` forks the children.
"""
