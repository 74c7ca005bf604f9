"""What letters say, as plain text and as simple HTML: nothing in them is loaded from anywhere, nobody is counted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from fediverse_node.base.config import Config

_HERE = Path(__file__).parent
_LONGEST_SUBJECT = 150


@dataclass(frozen=True, slots=True)
class Words:
    """A letter without its address. `link` and `button`: what to do; empty where there is nothing."""

    subject: str
    plain: str
    html: str


def confirm_address(config: Config, *, username: str, link: str) -> Words:
    """To somebody who signed up."""
    return _words(
        config,
        f"Confirm your address for {config.title}",
        greeting=f"Welcome, @{username}",
        paragraphs=(f"Somebody, we hope you, signed up at {config.host} with this address.",),
        link=link,
        button="Confirm this address",
        closing="If it was not you, do nothing: without this confirmation nobody can use the account.",
    )


def reset_password(config: Config, *, username: str, link: str) -> Words:
    """To somebody who forgot theirs."""
    return _words(
        config,
        f"A new password for {config.title}",
        greeting=f"Hello @{username}",
        paragraphs=(f"Somebody asked for a new password for your account at {config.host}. The link holds 6 hours.",),
        link=link,
        button="Choose a new password",
        closing="If it was not you, do nothing: your password stays as it is.",
    )


def password_changed(config: Config, *, username: str) -> Words:
    """After that."""
    return _words(
        config,
        f"Your password for {config.title} was changed",
        greeting=f"Hello @{username}",
        paragraphs=(
            f"The password of your account at {config.host} was changed by a link in a letter to this address.",
            "All browsers and apps have been signed out.",
        ),
        closing=f"If it was not you, somebody reads your mail. Write to whoever runs the server{_contact(config)}.",
    )


def confirm_change(config: Config, *, username: str, link: str) -> Words:
    """To the new address of somebody who wants another."""
    return _words(
        config,
        f"Confirm your new address for {config.title}",
        greeting=f"Hello @{username}",
        paragraphs=(f"You asked that {config.host} writes to you at this address from now on.",),
        link=link,
        button="Use this address",
        closing="If it was not you, do nothing: the account stays with the address it has.",
    )


def address_changes(config: Config, *, username: str, is_done: bool) -> Words:
    """To the old address: asked for, and done."""
    asked = f"Somebody who is signed in as you asked that {config.host} writes to another address from now on."
    done = f"{config.host} writes to another address from now on, as you asked. This is the last letter to this one."
    return _words(
        config,
        f"Your address for {config.title} {'was changed' if is_done else 'is to be changed'}",
        greeting=f"Hello @{username}",
        paragraphs=(done if is_done else asked,),
        closing=f"If it was not you, change your password, and write to whoever runs the server{_contact(config)}.",
    )


def somebody_waits(config: Config, *, username: str, reason: str) -> Words:
    """To moderators: somebody wants to be let in."""
    return _words(
        config,
        f"@{username} would like to join {config.title}",
        greeting=f"@{username} would like to join",
        paragraphs=("They wrote:", reason) if reason else ("They wrote nothing about themselves.",),
        closing="You find them among the accounts that wait, in any app that moderators use.",
    )


def let_in(config: Config, *, username: str) -> Words:
    """To somebody who waited."""
    return _words(
        config,
        f"Welcome to {config.title}",
        greeting=f"Welcome, @{username}",
        paragraphs=(f"Your account at {config.host} can be used now. Sign in with any app made for Mastodon.",),
        link=config.base_url,
        button=f"To {config.title}",
    )


def turned_away(config: Config, *, username: str) -> Words:
    """To somebody who waited in vain."""
    return _words(
        config,
        f"Your request to join {config.title}",
        greeting=f"Hello @{username}",
        paragraphs=(
            f"You asked to join {config.host}. The people who run it decided not to take your account.",
            "What you sent with your request has been deleted. There are many other servers.",
        ),
    )


def _contact(config: Config) -> str:
    return f": {config.contact_email}" if config.contact_email else ""


def _words(
    config: Config,
    subject: str,
    *,
    greeting: str,
    paragraphs: tuple[str, ...],
    link: str = "",
    button: str = "",
    closing: str = "",
) -> Words:
    values = {
        "config": config,
        "greeting": greeting,
        "paragraphs": paragraphs,
        "link": link,
        "button": button,
        "closing": closing,
    }
    environment = _environment()
    return Words(
        " ".join(subject.split())[:_LONGEST_SUBJECT],
        environment.get_template("letter.txt").render(**values),
        environment.get_template("letter.html").render(subject=subject, **values),
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
