"""A person at a browser without JavaScript: opens the address an app gave, signs in, lets the app in."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import aiohttp
from yarl import URL


class _Forms(HTMLParser):
    """The forms of a page: action and the fields that are filled in already."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((named.get("action", ""), {}))
        elif tag == "input" and self.forms and "name" in named:
            self.forms[-1][1][named["name"]] = named.get("value", "")


async def sign_in_and_answer(url: str, *, login: str, password: str, answer: str = "allow") -> dict[str, str]:
    """What the app gets to know at its redirect URI (or the page shows), as query parameters."""
    # Cookies of IP addresses are kept only when asked for.
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as browser:
        async with browser.get(url) as response:
            assert response.status == 200, await response.text()
            action, fields = _form(await response.text(), "/auth/sign_in")
        fields |= {"login": login, "password": password}
        async with browser.post(URL(url).join(URL(action)), data=fields) as response:
            page = await response.text()
            assert response.status == 200, page
            action, fields = _form(page, "/oauth/authorize")
        target = URL(url).join(URL(action))
        async with browser.post(target, data={**fields, "answer": answer}, allow_redirects=False) as response:
            assert response.status == 302, await response.text()
            query = parse_qs(urlsplit(response.headers["Location"]).query)
            return {name: values[0] for name, values in query.items()}


def _form(page: str, action: str) -> tuple[str, dict[str, str]]:
    parser = _Forms()
    parser.feed(page)
    found = [form for form in parser.forms if form[0] == action]
    assert found, f"no form for {action} on the page:\n{page[:3000]}"
    return found[0]
