"""The annotation page in a browser: its text, and how an annotator draws and chooses."""

TEXT = (
    "قالت الوزيرة سلمى الراوي \N{GRINNING FACE}\N{FAMILY} اليوم إن توسعة ميناء مرجانة ستبدأ في مايو المقبل، بعد أن أقر "
    "مجلس المدينة الميزانية في جلسة امتدت حتى ساعة متأخرة من الليل.\n\n"
    + "وأضافت أن المشروع سيوفر فرص عمل لأبناء الساحل، وأنه لن يمس محمية وادي السنديان الواقعة شمال الميناء. " * 6
    + "\n\nوكان مترو العاصمة قد واجه تأخيرا مماثلا قبل ثلاث سنوات."
)


WORD_BOX = """([box, mention]) => {
  const walker = document.createTreeWalker(document.querySelector(box), NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const at = node.data.indexOf(mention);
    if (at < 0) continue;
    const range = document.createRange();
    range.setStart(node, at);
    range.setEnd(node, at + mention.length);
    const r = range.getBoundingClientRect();
    return {left: r.left, right: r.right, middle: (r.top + r.bottom) / 2};
  }
}"""


def log_in(page, url, login):
    """Log in to the Label Studio at an address, with an e-mail and a password."""
    page.goto(f"{url}/user/login/")
    page.fill("input[name=email]", login[0])
    page.fill("input[name=password]", login[1])
    page.click("button[type=submit]")
    page.wait_for_url(lambda address: "/user/login" not in address)


def drag_over(page, mention):
    """Drag from the mention's first letter to its last, right to left, as slowly as a hand."""
    box = page.evaluate(WORD_BOX, [".kh-text", mention])
    page.mouse.move(box["right"] - 1, box["middle"])
    page.mouse.down()
    page.mouse.move(box["left"] + 1, box["middle"], steps=25)
    page.wait_for_timeout(150)
    page.mouse.up()
    page.wait_for_timeout(300)


def choose(page, question, value):
    page.locator(".kh-target").nth(question).locator("label", has_text=value).click()
