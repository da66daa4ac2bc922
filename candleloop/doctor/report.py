"""What the doctor says, for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """How a check came out."""

    CLEAN = "clean"
    FOUND = "found"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Parameters
    ----------
    name
        Stable identifier, such as ``future``.
    question
        What was asked, in a trader's words.
    verdict
        Whether something was found; a check that could not be made is ``skipped`` and says why.
    answer
        What was seen, in words.
    findings
        Each thing found, with its place; empty unless ``found``.
    numbers
        What was measured, by name.
    """

    name: str
    question: str
    verdict: Verdict
    answer: str
    findings: tuple[str, ...] = ()
    numbers: dict[str, float] | None = None

    def as_json(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return {
            "name": self.name,
            "question": self.question,
            "verdict": self.verdict.value,
            "answer": self.answer,
            "findings": list(self.findings),
            "numbers": self.numbers or {},
        }

    def lines(self) -> list[str]:
        """Return what people read."""
        mark = {Verdict.CLEAN: "ok     ", Verdict.FOUND: "FOUND  ", Verdict.SKIPPED: "skipped"}[self.verdict]
        return [f"{mark} {self.question}", f"        {self.answer}", *(f"        - {one}" for one in self.findings)]


@dataclass(frozen=True, slots=True)
class DoctorReport:
    """All checks of one examination."""

    label_set: str
    series: tuple[str, ...]
    checks: tuple[Check, ...]

    @property
    def clean(self) -> bool:
        """Whether no check found anything."""
        return all(check.verdict is not Verdict.FOUND for check in self.checks)

    def as_json(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return {
            "label_set": self.label_set,
            "series": list(self.series),
            "clean": self.clean,
            "checks": [check.as_json() for check in self.checks],
        }

    def lines(self) -> list[str]:
        """Return what people read."""
        found = sum(check.verdict is Verdict.FOUND for check in self.checks)
        skipped = sum(check.verdict is Verdict.SKIPPED for check in self.checks)
        left = f" {skipped} could not be made." if skipped else ""
        verdict = f"{found} of {len(self.checks)} checks found something." if found else "Nothing was found."
        return [*(line for check in self.checks for line in check.lines()), verdict + left]


def judged(
    name: str, question: str, findings: list[str], clean: str, found: str, numbers: dict[str, float] | None = None
) -> Check:
    """Return a check that is clean when nothing was found; a long list of findings is cut short."""
    if not findings:
        return Check(name, question, Verdict.CLEAN, clean, numbers=numbers)
    shown = findings[:LISTED]
    if len(findings) > LISTED:
        shown.append(f"and {len(findings) - LISTED} more")
    return Check(name, question, Verdict.FOUND, found, tuple(shown), numbers)


def skipped(name: str, question: str, why: str) -> Check:
    """Return a check that could not be made."""
    return Check(name, question, Verdict.SKIPPED, why)


LISTED = 8
"""Findings of one check that are listed one by one."""
