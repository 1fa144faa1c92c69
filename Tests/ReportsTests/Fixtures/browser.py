"""Opens a report in headless Chromium and uses it as a reader would: browser.py CHROMIUM PAGE FOLDER

Speaks the DevTools protocol over a pipe, so that nothing but Python is needed. Writes a screenshot of
every view into FOLDER; the first thing that is not as it should be ends it with a sentence.
"""
import base64
import fcntl
import json
import os
import subprocess
import sys
import tempfile


class Browser:
    def __init__(self, program, profile):
        inward, self.commands = os.pipe()
        self.answers, outward = os.pipe()
        # Out of the way of 3 and 4, where Chromium expects its pipe.
        inward, outward = (fcntl.fcntl(end, fcntl.F_DUPFD, 20) for end in (inward, outward))

        def place():
            os.dup2(inward, 3)
            os.dup2(outward, 4)

        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--remote-debugging-pipe", "--hide-scrollbars", "--disable-extensions", f"--user-data-dir={profile}",
             "about:blank"],
            close_fds=False, preexec_fn=place, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        os.close(inward)
        os.close(outward)
        self.number, self.rest, self.events, self.session = 0, b"", [], None

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.read()
            if answer.get("id") == self.number:
                assert "error" not in answer, (method, answer)
                return answer["result"]
            self.events.append(answer)

    def read(self):
        while b"\0" not in self.rest:
            part = os.read(self.answers, 1 << 20)
            assert part, "Chromium ended"
            self.rest += part
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def wait(self, event):
        while not any(one.get("method") == event for one in self.events):
            self.events.append(self.read())

    def value(self, script):
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def mouse(self, kind, x, y, **more):
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def key(self, name):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name)

    def middle(self, selector):
        return self.value(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.scrollIntoView({{block: 'center', inline: 'center'}});"
            "const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2, b.width]; })()")


def check(browser, page, width, height, scheme, folder):
    view = f"{width} pixels, {scheme}"
    browser.events.clear()
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.call("Page.navigate", url="file://" + page)
    browser.wait("Page.loadEventFired")

    assert browser.value("document.documentElement.scrollWidth") <= width, f"{view}: the page is wider than the screen"
    dark = browser.value("getComputedStyle(document.body).backgroundColor") == "rgb(18, 22, 27)"
    assert dark == (scheme == "dark"), f"{view}: wrong colours"

    # A point under the mouse, another by the keyboard: the card tells of each.
    card = "document.querySelector('#card').textContent"
    points = ".plane:not([hidden]) .point[data-id]"
    ids = browser.value(f"[...document.querySelectorAll('{points}')].map((p) => p.dataset.id)")
    assert len(ids) == 22, f"{view}: {len(ids)} points"
    before = browser.value(card)
    x, y, _ = browser.middle(f".plane:not([hidden]) .point[data-id='{ids[-1]}']")
    browser.mouse("mouseMoved", x, y)
    hovered = browser.value(card)
    assert hovered != before and "20 ddpm η=1 steps × 8" in hovered, f"{view}: hovering shows {hovered}"
    source = browser.value("document.querySelector('#card img').src")
    browser.value(f"document.querySelector(\".plane:not([hidden]) .point[data-id='{ids[0]}']\").focus()")
    assert "bicubic" in browser.value(card) and "24.00 ± 0.10" in browser.value(card), f"{view}: focus shows nothing"
    assert browser.value("document.querySelector('#card img').src") != source, f"{view}: the card's picture stays"

    # The slider, by keys and by mouse.
    cut = "document.querySelector('#divider').getAttribute('aria-valuenow')"
    clip = "getComputedStyle(document.querySelector('#left-image')).clipPath"
    browser.middle("#divider")
    browser.value("document.querySelector('#divider').focus()")
    first = browser.value(clip)
    browser.key("ArrowRight")
    assert browser.value(cut) == "52" and browser.value(clip) != first, f"{view}: the arrow key does nothing"
    browser.key("Home")
    assert browser.value(cut) == "0", f"{view}: Home does nothing"
    browser.key("End")
    assert browser.value(cut) == "100", f"{view}: End does nothing"
    x, y, wide = browser.middle("#slider")
    browser.mouse("mousePressed", x, y, button="left", buttons=1, clickCount=1)
    browser.mouse("mouseMoved", x - wide / 4, y, button="left", buttons=1)
    browser.mouse("mouseReleased", x - wide / 4, y, button="left", clickCount=1)
    assert browser.value(cut) == "25", f"{view}: dragging leaves the divider at {browser.value(cut)}"

    # Pictures and crops are chosen.
    right = "document.querySelector('#right-image').src"
    first = browser.value(right)
    browser.value("document.querySelector('#thumbnails button:last-child').click()")
    second = browser.value(right)
    browser.value("document.querySelector('#crop-choice button:last-child').click()")
    third = browser.value(right)
    assert len({first, second, third}) == 3, f"{view}: the pictures do not change"
    assert browser.value("document.querySelector('#right-tag').textContent") == "original"

    # Another metric, another plane.
    browser.value("(() => { const s = document.querySelector('#x-metric'); s.value = 'ssim'; s.dispatchEvent(new Event('change')); })()")
    shown = browser.value("[...document.querySelectorAll('.plane:not([hidden])')].map((p) => p.dataset.x)")
    assert shown == ["ssim"], f"{view}: planes {shown}"

    # The table sorts up and down; what was not measured stays last.
    column = "[...document.querySelectorAll('#figures tbody tr')].map((r) => r.cells[1].dataset.value)"
    press = "document.querySelectorAll('#figures thead button')[1].click()"
    browser.value(press)
    rising = [float(one) for one in browser.value(column) if one]
    browser.value(press)
    found = browser.value(column)
    assert rising == sorted(rising) and [float(one) for one in found if one] == rising[::-1], f"{view}: {found}"
    assert found[-2:] == ["", ""], f"{view}: {found}"

    browser.value("scrollTo(0, 0)")
    picture = browser.call("Page.captureScreenshot", captureBeyondViewport=True, format="png", clip={
        "x": 0, "y": 0, "width": width, "height": browser.value("document.documentElement.scrollHeight"), "scale": 1})
    with open(os.path.join(folder, f"report-{width}-{scheme}.png"), "wb") as file:
        file.write(base64.b64decode(picture["data"]))
    bad = [one for one in browser.events if one.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded")
           or one.get("method") == "Runtime.consoleAPICalled" and one["params"]["type"] in ("error", "warning")]
    assert not bad, f"{view}: {bad}"


def main():
    program, page, folder = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(program, profile)
        try:
            target = browser.call("Target.createTarget", url="about:blank")["targetId"]
            session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            browser.session = session
            for domain in ("Page", "Runtime", "Log"):
                browser.call(f"{domain}.enable")
            views = [(width, height, scheme) for width, height in ((390, 844), (1200, 900)) for scheme in ("light", "dark")]
            for view in views:
                check(browser, page, *view, folder)
            print(len(views), "views checked")
        finally:
            browser.process.kill()
            browser.process.wait()


main()
