"""What a command works at: its options, the two streams, the settings, and the workspace, opened when first used."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

from .console import Console
from .failure import Interrupted, report
from .signals import Signals

if TYPE_CHECKING:
    from .agents.milepost import Milepost
    from .everywhere import Everywhere
    from .progress import Listener
    from .settings import Settings
    from .store.policy import Policy
    from .store.records import Journey


class Desk:
    """One command's place of work; closes the workspace when the command is done."""

    def __init__(self, options: Everywhere, console: Console) -> None:
        self.options = options
        self.console = console
        self.began = datetime.now(UTC).isoformat(timespec="microseconds")
        self.usage_exit = 2
        """The exit code of usage errors; a command with exit codes of its own moves it."""
        self._sets: list[str] = list(options.sets or [])

    def also(self, setting: str) -> None:
        """Add a policy key that an option of the command's own stands for."""
        self._sets.append(setting)

    @cached_property
    def settings(self) -> Settings:
        """Everything that is configured, read once."""
        from .settings import Settings

        options = self.options
        return Settings.load(options.home, options.policy, self._sets, user=options.user, tenant=options.tenant)

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self.settings.resolved.policy

    @cached_property
    def mp(self) -> Milepost:
        """The workspace of the home; opening it makes nothing."""
        return open_workspace(self.settings, self.wait)

    @property
    def wait(self) -> float:
        """Seconds to wait for a busy store."""
        wait = 10.0 if self.options.wait is None else self.options.wait
        if math.isnan(wait) or wait < 0:
            from .store.errors import UsageError

            raise UsageError(f"--wait cannot be {wait:g}", cause="it is a number of seconds, 0 or more")
        return min(wait, 1e7)

    def ask(self, question: str, *, preview: str = "") -> bool:
        """Ask before something is changed, showing what; `--yes` answers, and without a terminal it is an error."""
        if self.options.yes:
            return True
        if not self.console.interactive:
            from .failure import no_terminal

            raise no_terminal(question)
        if preview:
            self.console.cry(preview)
        return self.console.ask(question)

    @contextmanager
    def progress(self) -> Generator[Listener, None, None]:
        """Show a running journey's progress on stderr: bars on a terminal, else lines."""
        from .progress import show_progress

        with show_progress(self.console) as listener:
            yield listener

    @property
    def stuck(self) -> bool:
        """Whether a batch went on although it was asked to be the last, for longer than people wait."""
        return "mp" in self.__dict__ and self.mp.stuck

    def close(self) -> None:
        """Close the workspace, if it was opened; one that is stuck ends with the process."""
        if "mp" in self.__dict__ and not self.stuck:
            self.mp.close()


def open_workspace(settings: Settings, wait: float) -> Milepost:
    """The workspace that the settings describe."""
    from .agents.milepost import Milepost
    from .store.records import UserContext
    from .tools.embedders import make_embedder

    model = settings.model
    endpoint = None
    if model.configured:
        from .agents.chat_model import ModelEndpoint

        endpoint = ModelEndpoint(str(model.name), model.api_key, model.base_url)
    return Milepost(
        settings.home,
        policy=settings.resolved.policy,
        embedder=make_embedder(settings.embedder, api_key=model.api_key, base_url=model.base_url),
        chat_model=endpoint,
        user=UserContext(user=settings.user, tenant=settings.tenant),
        journey_types=settings.journey_types,
        wait=wait,
        trace=settings.trace,
    )


def work(options: Everywhere, job: Callable[[Desk], Any]) -> int:
    """Run a command and return its exit code; every error is reported here."""
    console = Console(json=options.json, quiet=options.quiet, no_color=options.no_color, no_input=options.no_input)
    desk = Desk(options, console)
    with Signals() as signals:
        try:
            try:
                return int(job(desk) or 0)
            except KeyboardInterrupt:
                raise _interrupted(desk, signals.caught or "Ctrl-C") from None
            finally:
                desk.close()
        except BrokenPipeError:
            return _nobody_reads()
        except Exception as error:
            code = report(error, console, debug=options.debug, usage_exit=desk.usage_exit)
            if desk.stuck:
                _end_at_once(code)
            return code


def _end_at_once(code: int) -> NoReturn:
    """End without waiting for a batch that goes on: what it had not committed, a resume does again."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


def _interrupted(desk: Desk, by: str) -> Interrupted:
    """The error for Ctrl-C or SIGTERM, with the command that goes on where a journey was stopped."""
    from .typed import same_command

    journey = _stopped(desk) if "mp" in desk.__dict__ else None
    if journey is None or journey.status in ("planned", "awaiting_approval"):
        return Interrupted(f"stopped by {by}", state="nothing was changed", next=same_command())
    ended = journey.status == "completed"
    return Interrupted(
        f"stopped by {by}: journey {journey.journey_id} is {'interrupted' if desk.stuck else journey.status}",
        state="everything was done before it could stop"
        if ended
        else "what was done so far is kept; nothing half done can be seen in the kb",
        next=f"milepost {'status' if ended else 'resume'} {journey.journey_id}",
    )


def _stopped(desk: Desk) -> Journey | None:
    """The journey that this command ran: the plan that it applied, or a rollback that it began."""
    plan_id, unfinished = desk.mp.workspace.running, ("running", "interrupted")
    for one in desk.mp.journeys():
        if one.plan_id == plan_id:
            return one
        if one.journey_type == "rollback" and one.status in unfinished and one.started_at >= desk.began:
            return one
    return None


def _nobody_reads() -> int:
    """The reader of a pipe has gone (`milepost ... | head`): be quiet about it."""
    sys.stdout = sys.__stdout__
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 0
