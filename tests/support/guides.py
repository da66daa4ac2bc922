"""The fenced blocks of a guide, run as its reader would run them, and held against what the guide shows."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from config.settings import ROOT
from tests.support.ports import free_port
from tests.support.waiting import wait_for

direct = build_opener(ProxyHandler({}))

SERVERS = {"mlflow models serve": "/ping"}
"""Commands that go on until they are stopped, and the page that says that they are there."""
PATIENCE_SECONDS = 120
"""How long a question is repeated until the answer is what the guide shows: a job takes its time."""


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the line of the guide that it begins after."""

    language: str
    text: str
    line: int


@dataclass(frozen=True)
class Command:
    """What is typed after a ``$``, and what the guide shows as its output; nothing shown, nothing held."""

    text: str
    shown: str


def blocks(guide: str, *languages: str) -> list[Block]:
    """Return the fenced blocks of some languages, in order."""
    found = re.finditer(r"^```(\w*)\n(.*?)^```$", guide, flags=re.MULTILINE | re.DOTALL)
    return [Block(one[1], one[2], guide.count("\n", 0, one.start()) + 1) for one in found if one[1] in languages]


def commands(console: str) -> list[Command]:
    """Return the commands of a console block; one that leaves a quotation open goes on in the next line."""
    found: list[Command] = []
    for line in console.splitlines():
        if found and _is_open(found[-1].text):
            found[-1] = Command(f"{found[-1].text}\n{line}", "")
        elif line.startswith("$ "):
            found.append(Command(line.removeprefix("$ "), ""))
        else:
            found[-1] = Command(found[-1].text, f"{found[-1].shown}{line}\n")
    return found


def _is_open(command: str) -> bool:
    try:
        shlex.split(command, comments=True)
    except ValueError:
        return True
    return command.endswith("\\")


TOKENS = re.compile(
    r"(?P<address>(?:localhost|127\.0\.0\.1):\d+)"
    r"|(?P<folder>~/[\w./-]+)"
    r"|(?P<time>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?Z?)"
    r"|(?P<name>\b[0-9a-f]{12,}\b)"
    r"|(?P<number>(?<![\w-])[+-]?\d[\d,]*(?:\.\d+)?(?:e-?\d+)?(?!\w))"
    r"|(?P<space>\s+)"
    r"|(?P<text>.)",
    flags=re.DOTALL,
)
LOOSELY = {
    "address": r"(?:localhost|127\.0\.0\.1):\d+",
    "folder": r"\S+",
    "time": r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?Z?)",
    "name": r"\b([0-9a-f]{12,})\b",
    "number": r"[+-]?\d[\d,]*(?:\.\d+)?(?:e-?\d+)?",
    "space": r"\s+",
}
"""What stands for what differs from run to run."""
LEARNED = {"time", "name"}
"""Of these, what later commands name again."""


def differences(shown: str, said: str) -> dict[str, str]:
    """Find what a guide shows in what a command said, and return which time or name stands there for which one.

    Addresses, folders, numbers, times and names may differ, white space may be more or less, and ``...`` stands for
    anything; all else is to be there as it is, in this order.

    Raises
    ------
    AssertionError
        When a part of it is not there.
    """
    learned: dict[str, str] = {}
    at = 0
    for part in shown.strip().split("..."):
        names = [token[0] for token in TOKENS.finditer(part) if token.lastgroup in LEARNED]
        found = _pattern(part, LOOSELY.keys() - LEARNED).search(said, at)
        if found is None:
            found = _pattern(part, LOOSELY.keys()).search(said, at)
            assert found is not None, f"This is not there:\n{part.strip()}\nThere is:\n{said[:4_000]}"
            learned |= dict(zip(names, found.groups(), strict=True))
        at = found.end()
    return learned


def _pattern(part: str, loosely: Set[str]) -> re.Pattern[str]:
    pattern = "".join(
        LOOSELY[str(token.lastgroup)] if token.lastgroup in loosely else re.escape(token[0])
        for token in TOKENS.finditer(part.strip())
    )
    # JSON is laid out for people in guides, and not at all by the service.
    return re.compile(re.sub(r"(?<=[\[{},:])\\s\+|\\s\+(?=\\[\[{}])", r"\\s*", pattern))


class Reader:
    """Somebody who types what a guide shows, in a folder of their own.

    Parameters
    ----------
    folder
        Where the commands run.
    environment
        Variables beside those of this process.
    instead
        What the guide names and what it is here: addresses, folders.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str], instead: Mapping[str, str]) -> None:
        self.folder = folder
        self._variables = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "200",
            "MPLBACKEND": "agg",
            **environment,
        }
        self._instead = dict(instead)
        self._python: subprocess.Popen[str] | None = None
        self._servers: list[subprocess.Popen[bytes]] = []

    def close(self) -> None:
        """End what was started."""
        for server in self._servers:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(60)
        if self._python is not None:
            assert self._python.stdin is not None
            assert self._python.stdout is not None
            self._python.stdin.close()
            self._python.wait(60)
            self._python.stdout.close()

    def follow(self, guide: str, leave_out: Mapping[str, str]) -> None:
        """Run the blocks of a guide in their order, but for some commands."""
        for block in blocks(guide, "console", "python"):
            if block.language == "python":
                self.run_python(block.text)
                continue
            for command in commands(block.text):
                if command.text not in leave_out:
                    self.type(command)

    def type(self, command: Command) -> None:
        """Run a command; it must end well, and say what the guide shows."""
        text = self._here(command.text)
        for start, page in SERVERS.items():
            if text.startswith(start):
                self._serve(text, page)
                return
        if not re.match(r"curl (?!.* --?[dHX])", text, flags=re.DOTALL):
            self._instead |= differences(command.shown, self._run(text))
            return
        missing = ""

        def is_answered() -> bool:
            nonlocal missing
            try:
                self._instead |= differences(command.shown, self._run(text))
            except AssertionError as error:
                missing = str(error)
                return False
            return True

        try:
            wait_for(is_answered, f"answer of {text}", PATIENCE_SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{missing}") from None

    def run_python(self, source: str) -> None:
        """Run a block in the same Python as the blocks before it."""
        if self._python is None:
            self._python = subprocess.Popen(
                [sys.executable, "-m", "tests.support.typed"],
                cwd=self.folder,
                env=self._variables,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        assert self._python.stdin is not None
        assert self._python.stdout is not None
        self._python.stdin.write(json.dumps(self._here(source)) + "\n")
        self._python.stdin.flush()
        said: list[str] = []
        while not (line := self._python.stdout.readline()).startswith("\0"):
            said.append(line)
            assert line, "".join(said)
        assert line == "\0done\n", f"{self._here(source)}\n{''.join(said)}"

    def _here(self, text: str) -> str:
        for named, here in self._instead.items():
            text = text.replace(named, here)
        return text

    def _run(self, text: str) -> str:
        after = self.folder / ".variables"
        script = f"{text}\nstatus=$?\nenv -0 > {shlex.quote(str(after))}\nexit $status\n"
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", script],
            cwd=self.folder,
            env=self._variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"$ {text}\nended with {done.returncode}:\n{done.stdout}"
        self._variables = dict(line.split("=", 1) for line in after.read_text().split("\0") if line)
        after.unlink()
        return done.stdout

    def _serve(self, text: str, page: str) -> None:
        (named,) = re.findall(r"--port (\d+)", text)
        port = str(free_port())
        log = self.folder / "server.log"
        with log.open("wb") as file:
            server = subprocess.Popen(
                shlex.split(text.replace(f"--port {named}", f"--port {port}")),
                cwd=self.folder,
                env=self._variables,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        self._servers.append(server)
        self._instead[f"127.0.0.1:{named}"] = f"127.0.0.1:{port}"

        def answers() -> bool:
            assert server.poll() is None, log.read_text()
            try:
                with direct.open(f"http://127.0.0.1:{port}{page}", timeout=5):
                    return True
            except URLError:
                return False

        wait_for(answers, f"answer of {text}", PATIENCE_SECONDS)
