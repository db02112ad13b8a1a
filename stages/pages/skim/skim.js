"use strict";
(() => {
  document.documentElement.classList.add("live-page");
  const { steps, made } = JSON.parse(document.getElementById("steps").textContent);
  const bars = [...document.querySelectorAll(".bar")], cards = [...document.querySelectorAll(".card")];
  const slider = document.getElementById("length"), said = document.getElementById("said");
  const first = new Set(steps[made].shots);
  const changed = document.querySelector(".changed");
  let shown = first;

  function choose(place) {
    const step = steps[place];
    shown = new Set(step.shots);
    said.textContent = step.said;
    changed.hidden = place === made;
    slider.setAttribute("aria-valuetext", step.said);
    for (const nodes of [bars, cards]) nodes.forEach((node, shot) => {
      node.classList.toggle("kept", shown.has(shot) && first.has(shot));
      node.classList.toggle("added", shown.has(shot) && !first.has(shot));
      node.classList.toggle("dropped", !shown.has(shot) && first.has(shot));
    });
    bars.forEach((bar, shot) => bar.setAttribute(
      "aria-label", bar.getAttribute("aria-label").replace(/, kept$/, "") + (shown.has(shot) ? ", kept" : "")));
    shut();
  }

  /* What hides the card that has the focus gives it to the shot's bar. */
  function shut() {
    const held = document.activeElement?.closest(".card");
    close();
    if (held && !held.offsetHeight) bars[Number(held.dataset.shot)].focus({ preventScroll: true });
  }

  function close() {
    for (const card of cards) {
      card.classList.remove("near", "here");
      card.querySelector("button").setAttribute("aria-expanded", "false");
    }
  }

  /* A shot with everything that was left out between it and the kept ones on either side. */
  function open(shot) {
    close();
    const near = [shot];
    for (let at = shot - 1; at >= 0 && !shown.has(at); at--) near.push(at);
    for (let at = shot + 1; at < cards.length && !shown.has(at); at++) near.push(at);
    for (const at of near) cards[at].classList.add("near");
    cards[shot].classList.add("here");
    cards[shot].querySelector("button").setAttribute("aria-expanded", "true");
  }

  slider.addEventListener("input", () => choose(Number(slider.value)));
  bars.forEach((bar, shot) => bar.addEventListener("click", () => {
    open(shot);
    cards[shot].querySelector("button").focus({ preventScroll: true });
    cards[shot].scrollIntoView({ block: "center" });
  }));
  cards.forEach((card, shot) => card.querySelector("button").addEventListener("click", () => {
    if (card.classList.contains("here")) shut(); else open(shot);
  }));
  // The strip is one stop of the Tab key; arrows go from shot to shot within it.
  document.querySelector(".film").addEventListener("focusin", (event) => {
    for (const bar of bars) bar.tabIndex = bar === event.target ? 0 : -1;
  });
  document.querySelector(".film").addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key], shot = bars.indexOf(event.target);
    if (!step || shot < 0) return;
    event.preventDefault();
    bars[Math.min(bars.length - 1, Math.max(0, shot + step))].focus();
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") shut(); });
  choose(Number(slider.value));
})();
