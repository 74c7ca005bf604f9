"""The page as people use it: in Chromium, by keys and clicks."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from fediverse_node.lab.exchange import Exchange, Message
from fediverse_node.lab.inspector.page import render_html
from fediverse_node.lab.recording import Recording, parse_recording
from tests.browser import Page, new_page
from tests.lab.inspector.conftest import READY
from tests.lab.inspector.sample import HOSTILE, large_recording
from tests.lab.inspector.test_server import Lab, lab

__all__ = ["lab"]

SHOWN = "[...document.querySelectorAll('.row')].map(row => Number(row.dataset.number)).sort((a, b) => a - b)"
COUNTS = "document.getElementById('counts').textContent"
TITLE = "document.querySelector('#detail h2').textContent"
SHEET = "document.getElementById('sheet').innerText"


async def opened(page: Page, file: Path, fragment: str = "") -> Page:
    await page.open(file.as_uri() + fragment, ready=READY)
    return page


def written(recording: Recording, folder: Path) -> Path:
    path = folder / "run.html"
    path.write_text(render_html(recording), encoding="utf-8")
    return path


async def test_the_file_shows_the_run_and_asks_nobody(page: Page, page_file: Path) -> None:
    await opened(page, page_file)
    assert await page.run(COUNTS) == "60 exchanges"
    lanes = await page.run("[...document.querySelectorAll('.lane')].map(lane => lane.title)")
    assert {"alpha.test", "beta.test", "ben@beta.test", "unnamed"} <= set(lanes)
    assert await page.run("document.querySelector('#row-4').getAttribute('aria-label')") == (
        "4: beta.test to alpha.test, POST Follow, 202, accepted, because of 1"
    )
    assert {url for url in page.asked if not url.startswith(("file:", "data:"))} == set()


async def test_everything_can_be_done_with_keys(page: Page, page_file: Path) -> None:
    await opened(page, page_file)
    await page.press("j", "j", "j", "k", "Enter")
    assert await page.until(f"{TITLE}.startsWith('#2 ')")
    assert await page.run("location.hash") == "#exchange=2"
    assert await page.run("document.activeElement.id") == "detail"
    await page.press("j", "j")
    await page.until(f"{TITLE}.startsWith('#4 POST Follow')")
    await page.press("4")
    assert "Signature base" in await page.until(f"{SHEET}.includes('@signature-params') && {SHEET}")
    await page.press("2")
    assert '"type": "Follow"' in await page.run(SHEET)
    await page.press("Escape")
    assert await page.run("document.getElementById('detail').hidden && document.activeElement.id") == "list"
    await page.press("End", "Enter")
    await page.until(f"{TITLE}.startsWith('#61 ') || {TITLE}.startsWith('#60 ')")
    await page.press("Escape", "/")
    assert await page.run("document.activeElement.id") == "search"
    await page.type("zoë")
    await page.until(f"{COUNTS} === '1 of 60 exchanges'")
    await page.press("Escape")
    await page.until(f"{COUNTS} === '60 exchanges'")
    await page.press("?")
    assert await page.run("document.querySelector('dialog[open] h2').textContent") == "Keys and signs"
    await page.press("Escape")
    await page.until("!document.querySelector('dialog')")


async def test_numbers_may_have_gaps(page: Page, recording: Recording, tmp_path: Path) -> None:
    kept = [one for one in recording if one.number % 3]
    await opened(page, written(Recording({}, kept), tmp_path), "#exchange=34")
    await page.until(f"{TITLE}.startsWith('#34 POST')")
    await page.press("j")
    await page.until(f"{TITLE}.startsWith('#35 POST')")
    await page.press("j")
    await page.until(f"{TITLE}.startsWith('#37 POST')")
    assert await page.run("[...document.querySelectorAll('.row.kin')].length") == 0
    await page.run("location.hash = 'q=%D7%96%D7%A2%D7%AA%D7%A8'")
    await page.until(f"{COUNTS} === '1 of 40 exchanges'")
    await page.run("location.hash = 'exchange=33'")
    assert "no exchange with this number" in await page.until("document.querySelector('#detail .sheet')?.innerText")


async def test_a_link_leads_to_one_exchange_and_back(page: Page, page_file: Path) -> None:
    await opened(page, page_file, "#exchange=51&node=delta.test&clock=world")
    assert await page.until(f"{TITLE}.startsWith('#51 ') && {TITLE}")
    assert "The sender is blocked here." in await page.run(SHEET)
    assert await page.run("document.querySelector('#row-51 .time').textContent") == "17:48:06.369"
    await page.run("document.querySelector('.links button').click()")
    await page.until(f"{TITLE}.startsWith('#45 ')")
    await page.press("Escape")
    assert await page.until("!location.hash.includes('exchange') && location.hash") == "#node=delta.test&clock=world"
    await page.run("history.back()")
    await page.until(f"{TITLE}.startsWith('#45 ') && !document.getElementById('detail').hidden")
    await page.run("history.forward()")
    await page.until("document.getElementById('detail').hidden")


async def test_a_file_of_a_few_exchanges_says_so_when_a_number_is_not_there(page: Page, page_file: Path) -> None:
    await opened(page, page_file, "#exchange=4000")
    assert "no exchange with this number" in await page.until("document.querySelector('#detail .sheet')?.innerText")


@pytest.mark.parametrize(
    "fragment, count",
    [
        ("node=epsilon.test", 9),
        ("kinds=refused,failed", 7),
        ("kinds=fault", 5),
        ("type=Like", 2),
        ("q=%D7%96%D7%A2%D7%AA%D7%A8", 2),
        ("q=%22the+sender+is+blocked%22", 1),
        ("about=https://alpha.test/users/alice/statuses/2", 9),
        ("node=nowhere.example", 0),
    ],
)
async def test_filters_show_what_they_say(page: Page, page_file: Path, fragment: str, count: int) -> None:
    await opened(page, page_file, f"#{fragment}")
    assert await page.until(f"!{COUNTS}.includes('searching') && {COUNTS}") == f"{count} of 60 exchanges"
    assert await page.run("document.getElementById('empty').hidden") is (count > 0)


async def test_a_conversation_is_found_through_its_answers(page: Page, page_file: Path, recording: Recording) -> None:
    await opened(page, page_file, "#exchange=33")
    await page.until(f"{TITLE}.startsWith('#33 ')")
    await page.run("document.getElementById('only-thread').click()")
    await page.until("location.hash.includes('thread=33')")
    shown = set(await page.run(SHOWN))
    first = "https://alpha.test/users/alice/statuses/1"
    speaking = {one.number for one in recording if first.encode() + b'"' in one.request.body}
    assert speaking <= shown
    assert not {1, 4, 53} & shown


async def test_by_cause_each_exchange_follows_what_led_to_it(page: Page, page_file: Path) -> None:
    await opened(page, page_file, "#order=cause")
    order = "[...document.querySelectorAll('.row')].sort((a, b) => parseFloat(a.style.top) - parseFloat(b.style.top))"
    numbers = await page.run(f"{order}.map(row => Number(row.dataset.number)).slice(0, 7)")
    assert numbers == [1, 2, 3, 4, 5, 6, 7]
    assert (
        await page.run("document.getElementById('list').getAttribute('aria-label')")
        == "Exchanges, each after its cause"
    )


async def test_what_strangers_wrote_stays_text(page: Page, tmp_path: Path) -> None:
    body = orjson.dumps({"type": HOSTILE, "id": HOSTILE, "actor": f"javascript:{HOSTILE}", "content": HOSTILE})
    hostile = Message(f"POST /{HOSTILE} HTTP/1.1", (("X", HOSTILE), ("Signature", HOSTILE)), body)
    exchange = Exchange(1, 0, HOSTILE, HOSTILE, f"https://{HOSTILE}", hostile, hostile, fault=HOSTILE, failure=HOSTILE)
    await opened(page, written(Recording({HOSTILE: HOSTILE}, [exchange]), tmp_path))
    await page.run("document.getElementById('show-nodes').click()")
    await page.press("j", "Enter")
    await page.until("document.getElementById('sheet')")
    for key in ("1", "2", "3", "4"):
        await page.press(key)
    assert await page.run("window.broken") is None
    assert await page.run("document.querySelectorAll('img, iframe, [onerror]').length") == 0
    assert HOSTILE in await page.run("document.body.innerText")


async def test_the_policy_stops_scripts_and_markup_that_get_in_all_the_same(browser: str, page_file: Path) -> None:
    async with new_page(browser) as page:
        await opened(page, page_file)
        await page.run(
            "(() => { const s = document.createElement('script'); s.append('window.broken = 1');"
            "try { document.body.append(s) } catch {} })()"
        )
        assert (
            await page.run(
                "(() => { try { document.body.innerHTML = 'x'; return 'markup' } catch (e) { return e.name } })()"
            )
            == "TypeError"
        )
        assert await page.run("window.broken") is None
        assert await page.run("fetch('http://127.0.0.1:9/').then(() => 'asked', () => 'stopped')") == "stopped"
        assert any("Content Security Policy" in problem for problem in page.problems)


async def test_exports_of_the_file_are_whole(page: Page, page_file: Path, recording: Recording) -> None:
    await opened(page, page_file)
    await page.run(
        "window.saved = {};"
        "const keep = async (blob) => { window.saved[blob.type] = await blob.text(); };"
        "URL.createObjectURL = (blob) => { keep(blob); return 'data:,'; };"
        "document.addEventListener('click', (e) => { if (e.target.download) e.preventDefault(); })"
    )
    await page.click("#show-export")
    await page.click("#export-jsonl")
    await page.click("#export-har")
    await page.until("Object.keys(window.saved).length === 2")
    lines = (await page.run("window.saved['application/jsonl']")).encode().splitlines()
    assert [one.to_json() for one in parse_recording(lines, name="export")] == [one.to_json() for one in recording]
    assert len(orjson.loads(await page.run("window.saved['application/json']"))["log"]["entries"]) == len(recording)


async def test_a_command_is_copied(page: Page, page_file: Path) -> None:
    await opened(page, page_file, "#exchange=4")
    await page.run("navigator.clipboard.writeText = (text) => { window.copied = text; return Promise.resolve(); }")
    await page.until("document.getElementById('copy-curl')")
    await page.click("#copy-curl")
    assert (await page.until("window.copied")).startswith("curl -i --proto =http,https --connect-to alpha.test:443:")
    assert await page.run("document.getElementById('toast').textContent") == "curl command copied."


@pytest.mark.parametrize("width", [360, 800, 1400])
async def test_nothing_is_wider_than_the_window(page: Page, page_file: Path, width: int) -> None:
    await page.resize(width, 800)
    for fragment in ("", "#exchange=58", "#exchange=48"):
        await page.command("Page.navigate", url="about:blank")
        await opened(page, page_file, fragment)
        assert await page.run("document.documentElement.scrollWidth") <= width
        assert await page.run("document.body.scrollHeight <= innerHeight + 1")
        too_wide = (
            "[...document.querySelectorAll('.sheet, .detail, .top')]"
            ".filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.className)"
        )
        for key in ("1", "2", "3", "4"):
            await page.press(key)
            assert await page.run(too_wide) == []


CONTRAST = """
(() => {
  const parse = (text) => {
    const n = text.match(/[\\d.]+/g).map(Number);
    const scale = text.startsWith('color(') ? 255 : 1;
    return [n[0] * scale, n[1] * scale, n[2] * scale, n[3] ?? 1];
  };
  const over = (top, base) => base.map((c, i) => top[i] * top[3] + c * (1 - top[3]));
  const linear = (v) => (v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const ground = (e) => {
    const layers = [];
    for (; e; e = e.parentElement) layers.push(parse(getComputedStyle(e).backgroundColor));
    return layers.reduceRight((base, top) => over(top, base), [255, 255, 255]);
  };
  const bad = [];
  for (const e of document.querySelectorAll('body *')) {
    const hasText = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    if (!hasText || !e.checkVisibility() || e.closest('script, style, noscript')) continue;
    const base = ground(e);
    const [a, b] = [light(base), light(over(parse(getComputedStyle(e).color), base))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) bad.push(`${e.className || e.tagName}: ${e.textContent.slice(0, 20)} ${ratio.toFixed(2)}`);
  }
  return bad;
})()
"""


@pytest.mark.parametrize("dark", [False, True])
async def test_all_text_can_be_read_on_its_ground(page: Page, page_file: Path, dark: bool) -> None:
    await page.resize(1400, 2400, dark=dark)
    await opened(page, page_file, "#exchange=48")
    await page.run("document.getElementById('show-nodes').click()")
    await page.until("document.getElementById('sheet')")
    for key in ("1", "2", "3", "4"):
        await page.press(key)
        assert await page.run(CONTRAST) == []


async def test_only_what_is_in_view_of_5000_exchanges_is_on_the_page(page: Page, tmp_path: Path) -> None:
    await opened(page, written(large_recording(5000), tmp_path))
    assert await page.run(COUNTS) == "5,000 exchanges"
    for position in ("0", "1e5", "1e9"):
        await page.run(f"document.getElementById('scroll').scrollTop = {position}")
        await page.until("document.querySelectorAll('.row').length > 10")
        assert await page.run("document.querySelectorAll('*').length") < 3000
    await page.until("document.getElementById('row-5000')")
    await page.press("/")
    await page.type("word 4990")
    await page.until(
        f"{COUNTS}.startsWith('5 of') || ({COUNTS}.includes(' of 5,000') && !{COUNTS}.includes('searching'))"
    )
    assert "row-4991" in await page.run("[...document.querySelectorAll('.row')].map(row => row.id).join(' ')")


async def test_the_live_page_follows_the_world(page: Page, lab: Lab) -> None:
    await page.open(f"{lab.address}/", ready=READY)
    assert await page.run("document.getElementById('state').textContent") == "Live"
    assert await page.run(COUNTS) == "60 exchanges"
    new = lab.happens(Message("GET /new HTTP/1.1", ()), "beta.test")
    await page.until(f"{COUNTS} === '61 exchanges'")
    await page.press("End", "Enter")
    await page.until(f"{TITLE}.startsWith('#61 ')")
    new.effects.append("Stored nothing.")
    lab.recording.tell(new)
    await page.until(f"{SHEET}.includes('Stored nothing.')")


async def test_an_empty_world_says_what_to_do(page: Page, lab: Lab) -> None:
    lab.recording.exchanges.clear()
    await page.open(f"{lab.address}/", ready=READY)
    assert "Nothing has been sent yet." in await page.run("document.getElementById('empty').textContent")
    assert "Sign in" in await page.run("document.getElementById('nodes').innerText")
    assert await page.run("document.querySelector('#nodes a[href*=sign-in]').rel") == "noreferrer"
    lab.happens(Message("GET /first HTTP/1.1", ()), "beta.test")
    await page.until(f"{COUNTS} === '1 exchange' && document.getElementById('empty').hidden")


async def test_a_request_is_sent_again_from_the_page(page: Page, lab: Lab) -> None:
    await page.open(f"{lab.address}/#exchange=4", ready=READY)
    await page.click("#resend")
    await page.until(f"{TITLE}.startsWith('#61 ')")
    assert lab.sent[0][1:] == ("alpha.test", None)


async def test_a_request_is_edited_and_sent_again(page: Page, lab: Lab) -> None:
    await page.open(f"{lab.address}/#exchange=4", ready=READY)
    await page.click("#edit")
    note = "document.getElementById('edit-note').textContent"
    assert "Nothing is changed yet" in await page.run(note)
    assert await page.run("document.activeElement.id") == "edit-body"
    await page.run("document.activeElement.select()")
    await page.type('{"type": "Undo"}')
    assert "stay those of the original" in await page.run(note)
    await page.run(
        "(() => { const s = document.getElementById('edit-signer'); s.selectedIndex = 2;"
        "s.dispatchEvent(new Event('change')); })()"
    )
    assert "made anew" in await page.run(note)
    await page.click("#edit-send")
    await page.until(f"!document.querySelector('dialog') && {TITLE}.startsWith('#61 ')")
    message, host, sign_as = lab.sent[0]
    assert (message.body, host, sign_as) == (b'{"type": "Undo"}', "alpha.test", "https://beta.test/users/ben")
    assert message.header("signature") is None


async def test_a_header_that_is_none_is_pointed_at(page: Page, lab: Lab) -> None:
    await page.open(f"{lab.address}/#exchange=4", ready=READY)
    await page.click("#edit")
    await page.run("(() => { document.getElementById('edit-headers').value = 'Host: a\\nno header'; })()")
    await page.click("#edit-send")
    assert "This line is no header: no header" in await page.until(
        "document.querySelector('dialog [role=alert]').textContent"
    )
    assert lab.sent == []
