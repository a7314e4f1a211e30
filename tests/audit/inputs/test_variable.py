from __future__ import annotations

from ninefold.audit.inputs.variable import filled


def test_variables_in_variables_are_put_in() -> None:
    assert filled("{{base}}/a", {"base": "https://{{host}}", "host": "h.example"}) == "https://h.example/a"


def test_a_variable_without_a_value_stays() -> None:
    assert filled("{{base}}/{{ id }}", {}) == "{{base}}/{{ id }}"


def test_variables_that_refer_to_themselves_and_grow_come_to_an_end() -> None:
    assert len(filled("{{a}}", {"a": "{{a}}{{a}}{{a}}"})) <= 8192
    assert len(filled("{{a}}", {"a": "{{b}}" * 1000, "b": "{{c}}" * 1000, "c": "x" * 1000})) <= 8192
    assert filled("{{a}}", {"a": "{{b}}", "b": "{{a}}"}) in {"{{a}}", "{{b}}"}
