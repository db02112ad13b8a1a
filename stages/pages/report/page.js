// Moves a cursor over each video's lanes and shows that frame's caption, reply and scores.
"use strict";
(() => {
  document.documentElement.classList.add("live-page");
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
  const number = (value) => (value === null ? "–" : value.toFixed(2).replace(/^0/, ""));
  const clock = (s) => (s < 60 ? `${s.toFixed(1)} s` : `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`);

  const last = (sorted, limit) => { // index of the last item not above limit
    let low = 0, high = sorted.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (sorted[middle] <= limit) low = middle; else high = middle - 1;
    }
    return low;
  };

  function connect(article, video, stretched) {
    const lanes = article.querySelector(".lanes"), plot = article.querySelector(".scores");
    const cursor = article.querySelector(".cursor"), find = (name) => article.querySelector(name);
    const marks = Object.keys(video.rows).map((slot) => {
      const mark = document.createElement("i");
      mark.className = `at ${slot}`;
      plot.append(mark);
      return [slot, mark];
    });
    let frame = Number(lanes.getAttribute("aria-valuenow"));

    function show(wanted) {
      frame = clamp(wanted, 0, video.picks.length - 1);
      const pick = video.picks[frame], next = video.picks[frame + 1] ?? video.frames;
      const shot = last(video.shots, pick), time = clock(video.times[frame]);
      const middle = (50 * (pick + next)) / video.frames;
      cursor.style.left = `${(100 * pick) / video.frames}%`;
      cursor.style.width = `${(100 * (next - pick)) / video.frames}%`;
      for (const [slot, mark] of marks) {
        const value = video.rows[slot][frame], [shift, scale] = video.stretch[slot];
        const y = value === null ? null : 100 * (1 - value);
        mark.hidden = y === null;
        mark.style.left = `${middle}%`;
        mark.style.top = `${stretched.checked ? shift + scale * y : y}%`;
        find(`.values .${slot} b`).textContent = number(value);
      }
      find(".when").textContent = `${time} · frame ${pick} · shot ${shot + 1} of ${video.shots.length}`;
      // What a dataset has not (captions, where embeddings are given) has no place on the page.
      const caption = video.captions && video.captions[video.caption[frame]];
      if (video.captions) find(".caption").textContent = caption;
      if (video.replies) find(".reply q").textContent = video.replies[video.reply[frame]];
      if (video.images) find(".still").className = `still ${video.images[video.stills[frame]]}`;
      lanes.setAttribute("aria-valuenow", frame);
      lanes.setAttribute("aria-valuetext", video.captions ? `${time}: ${caption}` : time);
    }

    const point = (event) => {
      const box = plot.getBoundingClientRect();
      const share = clamp((event.clientX - box.left) / box.width, 0, 1);
      show(last(video.picks, share * video.frames));
    };
    lanes.addEventListener("pointermove", point);
    lanes.addEventListener("pointerdown", point);
    lanes.addEventListener("keydown", (event) => {
      const shot = last(video.shots, video.picks[frame]);
      const start = (index) => {
        const at = video.shots[clamp(index, 0, video.shots.length - 1)];
        return clamp(video.picks.findIndex((pick) => pick >= at), 0, video.picks.length - 1);
      };
      const to = {
        ArrowLeft: () => frame - 1, ArrowRight: () => frame + 1,
        ArrowUp: () => start(shot + 1), ArrowDown: () => start(shot - 1), // up is more, as of any slider
        PageUp: () => frame + 10, PageDown: () => frame - 10,
        Home: () => 0, End: () => video.picks.length - 1,
      }[event.key];
      if (!to || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      show(to());
    });
    stretched.addEventListener("change", () => show(frame));

    // A cell too narrow to recognise is left out and its neighbour takes its room.
    const strip = article.querySelector(".strip");
    if (strip) new ResizeObserver(() => {
      const each = strip.clientWidth / Number(strip.dataset.cells);
      if (each > 0) strip.dataset.hide = clamp(Math.ceil(Math.log2(44 / each)), 0, 4);
    }).observe(strip);
    show(frame);
    return show;
  }

  for (const explorer of document.querySelectorAll(".explorer")) {
    const video = JSON.parse(explorer.querySelector("script.data").textContent);
    const article = explorer.querySelector(".video");
    const show = connect(article, video, explorer.querySelector(".stretch"));
    // #@frame: a link to one moment.
    const follow = () => {
      const frame = /^#@(\d+)$/.exec(location.hash);
      if (!frame) return;
      show(Number(frame[1]));
      article.scrollIntoView({ block: "nearest" });
    };
    addEventListener("hashchange", follow);
    // The same link once more changes no address.
    addEventListener("click", (event) => {
      if (event.target.closest?.("a")?.hash === location.hash) follow();
    });
    follow();
  }

  const turn = { p: "prev", n: "next" };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches?.("input, textarea")) return;
    document.querySelector(`a[rel="${turn[event.key]}"]`)?.click();
  });
})();
