"""The command `check`: checks a public connector."""

import asyncio
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from intarsia.errors import SettingError

if TYPE_CHECKING:
    from intarsia.checks import Finding

_COLORS = {"ok": "green", "skipped": "cyan", "warning": "yellow", "problem": "red"}


@click.command()
@click.option("--public", "address", required=True, metavar="URL", help="The address that users enter into hosts.")
@click.option(
    "--token-env", metavar="NAME", help="Run the checks that need sign-in too, with the access token in this variable."
)
@click.option(
    "--ca",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Trust the certificate authorities in this PEM file instead of this machine's.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def check(address: str, token_env: str | None, ca: Path | None, *, as_json: bool) -> None:
    """Check a deployed connector from outside, as a host sees it.

    Prints a line for each check: ok, skipped, warning or problem, what was found, and how to fix it. Exits with status
    1 if there is a problem.
    """
    from intarsia.checks import check_public, has_problem  # noqa: PLC0415 - loading the protocol takes a second

    findings = asyncio.run(check_public(address, token=_token(token_env), ca=ca))
    if as_json:
        report = {"address": address, "ok": not has_problem(findings), "checks": [one.as_json() for one in findings]}
        click.echo(json.dumps(report, indent=2))
    else:
        _print_report(findings)
    if has_problem(findings):
        raise click.exceptions.Exit(1)


def _token(variable: str | None) -> str | None:
    if variable is None:
        return None
    token = os.environ.get(variable)
    if not token:
        hint = "--token-env takes the name of an environment variable, not the token."
        # The value may be the token itself, which must not reach a log.
        is_name = variable.isidentifier() and len(variable) < 64
        message = f"There is no environment variable {variable!r}. {hint}" if is_name else hint
        raise SettingError(message)
    return token


def _print_report(findings: "list[Finding]") -> None:
    width = max(len(finding.check) for finding in findings)
    for finding in findings:
        level = click.style(f"{finding.level:<8}", fg=_COLORS[finding.level])
        click.echo(f"{level}{finding.check:<{width}}  {finding.found}")
        if finding.fix:
            click.echo(f"{'':<{width + 10}}{finding.fix}")
    problems = sum(finding.level == "problem" for finding in findings)
    warnings = sum(finding.level == "warning" for finding in findings)
    click.echo(f"\n{problems} problem{'s' * (problems != 1)}, {warnings} warning{'s' * (warnings != 1)}.")
