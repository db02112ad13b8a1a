// Plays a reader of a film's page and tells what was seen.
addEventListener("load", () => setTimeout(() => {
  const bars = [...document.querySelectorAll(".bar")], cards = [...document.querySelectorAll(".card")];
  const shown = () => cards.flatMap((card, shot) => (card.offsetHeight ? [shot] : []));
  const kept = (nodes) => nodes.flatMap((node, shot) =>
    (node.classList.contains("kept") || node.classList.contains("added") ? [shot] : []));
  const slider = document.getElementById("length"), said = document.getElementById("said");
  const slide = (value) => {
    slider.value = value;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const press = (key, at) => at.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));

  seen.steps = JSON.parse(document.getElementById("steps").textContent).steps.map((step) => step.shots);
  seen.made = Number(slider.value);
  seen.first = { bars: kept(bars), cards: kept(cards), shown: shown(), said: said.textContent };
  slide(slider.max);
  seen.longest = { bars: kept(bars), cards: kept(cards), shown: shown(), said: said.textContent };
  seen.key = getComputedStyle(document.querySelector(".changed")).display;
  slide(seen.made);
  seen.plain = getComputedStyle(document.querySelector(".changed")).display;
  seen.back = kept(bars);

  const left = bars.findIndex((bar, shot) => !seen.back.includes(shot));
  bars[left].click();
  seen.left = left;
  seen.opened = { shown: shown(), here: cards.findIndex((card) => card.classList.contains("here")),
    focused: document.activeElement.closest(".card")?.dataset.shot };
  press("Escape", document.activeElement);
  seen.closed = shown();
  seen.left_to = bars.indexOf(document.activeElement);
  bars[0].focus();
  press("ArrowRight", bars[0]);
  seen.next = bars.indexOf(document.activeElement);
  seen.stops = bars.flatMap((bar, shot) => bar.tabIndex === 0 ? [shot] : []);
  press("ArrowLeft", document.activeElement);
  press("ArrowLeft", document.activeElement);
  seen.before = bars.indexOf(document.activeElement);
  const still = cards[seen.back[0]].querySelector("button");
  still.click();
  seen.expanded = still.getAttribute("aria-expanded");
  still.click();
  seen.collapsed = still.getAttribute("aria-expanded");
  seen.pictures = cards.every((card) =>
    getComputedStyle(card.querySelector(".still")).backgroundImage.startsWith("url(\"data:image/"));

  const facts = document.querySelector(".facts").getBoundingClientRect();
  seen.gap = document.querySelector("footer").getBoundingClientRect().top - facts.bottom;
  const video = document.querySelector("video");
  seen.video = video && { lasts: video.duration, wrong: video.error && video.error.message };
  const loaded = performance.getEntriesByType("resource").map((each) => each.name);
  seen.requests = loaded.filter((name) => !name.startsWith("data:"));
  seen.overflow = seen.over();
  seen.tell();
}, 500));
