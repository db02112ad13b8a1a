// Plays a reader of the page and leaves what was seen as told. test_browser.py puts it in.
addEventListener("load", () => {
  const article = document.querySelector(".video");
  const find = (name) => article.querySelector(name);
  const lanes = find(".lanes"), box = find(".scores").getBoundingClientRect();
  const caption = () => find(".caption").textContent;
  const drawn = (slot) => getComputedStyle(find(`.scores g.${slot}`)).display !== "none";
  const point = (kind, share) => lanes.dispatchEvent(new PointerEvent(kind, {
    clientX: box.left + share * box.width, clientY: box.top + 5, bubbles: true,
  }));
  const press = (key) => lanes.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));

  seen.video = article.dataset.video;
  seen.opened = caption();
  point("pointermove", 0.3);
  seen.hovered = caption();
  seen.reply = find(".reply q").textContent;
  press("ArrowRight");
  seen.next = caption();
  press("End");
  seen.end = caption();
  press("Home");
  seen.home = caption();
  seen.now = lanes.getAttribute("aria-valuenow");
  point("pointerdown", 0.99);
  seen.touched = caption();

  const link = document.createElement("a");
  link.href = location.hash || "#";
  document.body.append(link);
  link.click();
  seen.again = caption();

  seen.shown = [...document.querySelectorAll(".video")].filter((each) => each.offsetHeight).length;
  seen.mlp = drawn("s-4");
  document.querySelector('[data-row="s-4"]').click();
  seen.mlpTicked = drawn("s-4");
  seen.previous = document.querySelector('a[rel="prev"]')?.getAttribute("href") ?? null;
  seen.turned = null;
  const next = document.querySelector('a[rel="next"]');
  next?.addEventListener("click", (event) => {
    event.preventDefault();
    seen.turned = next.getAttribute("href");
  });
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "n", bubbles: true }));

  const loaded = performance.getEntriesByType("resource").map((each) => each.name);
  seen.requests = loaded.filter((name) => !name.startsWith("data:"));
  seen.overflow = seen.over();
  seen.tell();
});
