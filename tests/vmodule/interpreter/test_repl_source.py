"""Pasted blocks echo the values of their expression statements; lines stay where they are."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moduline.vmodule.interpreter.repl_source import echoing


@pytest.mark.parametrize(
    ("source", "echoed"),
    [
        ("1\n", "__repl_print__(1)\n"),
        ("x = 1\nx", "x = 1\n__repl_print__(x)"),
        ("f(1); g(2)\n", "__repl_print__(f(1)); __repl_print__(g(2))\n"),
        ("for i in x:\n    i\nelse:\n    2\n", "for i in x:\n    __repl_print__(i)\nelse:\n    __repl_print__(2)\n"),
        ("try:\n    a\nexcept E:\n    b\nfinally:\n    c\n", "try:\n    __repl_print__(a)\nexcept E:\n    __repl_print__(b)\nfinally:\n    __repl_print__(c)\n"),
        ("def f():\n    1\n", "def f():\n    1\n"),
        ("class A:\n    'doc'\n", "class A:\n    'doc'\n"),
        ("(1,\n 2)\n", "__repl_print__((1,\n 2))\n"),
        ("'''a\nb'''\n", "__repl_print__('''a\nb''')\n"),
        ("'é'; 'ü'\n", "__repl_print__('é'); __repl_print__('ü')\n"),
        ("this is no python\n", "this is no python\n"),
        ("\0", "\0"),
        ("", ""),
    ],
)  # fmt: skip
def test_echoing_wraps_exactly_the_module_level_expressions(source, echoed):
    assert echoing(source) == echoed


@given(st.text(alphabet="ab(1),:\n é'\"=+ \t;#", max_size=60))
def test_echoing_when_given_any_text_keeps_its_lines_and_stays_parsable(source):
    echoed = echoing(source)
    assert echoed.count("\n") == source.count("\n")
    if echoed != source:
        ast.parse(echoed)
