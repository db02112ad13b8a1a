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

  function connect(article, video, data, stretched) {
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
      const shot = last(video.shots, pick), caption = data.captions[video.captions[frame]];
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
      const when = `${clock(pick / video.fps)} · frame ${pick} · shot ${shot + 1} of ${video.shots.length}`;
      find(".when").textContent = when;
      find(".caption").textContent = caption;
      find(".reply q").textContent = data.replies[video.replies[frame]];
      find(".still").className = `still ${video.images[video.stills[frame]]}`;
      lanes.setAttribute("aria-valuenow", frame);
      lanes.setAttribute("aria-valuetext", `${clock(pick / video.fps)}: ${caption}`);
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
        ArrowDown: () => start(shot + 1), ArrowUp: () => start(shot - 1),
        PageDown: () => frame + 10, PageUp: () => frame - 10,
        Home: () => 0, End: () => video.picks.length - 1,
      }[event.key];
      if (!to || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      show(to());
    });
    stretched.addEventListener("change", () => show(frame));

    // A cell too narrow to recognise is left out and its neighbour takes its room.
    const strip = article.querySelector(".strip");
    new ResizeObserver(() => {
      const each = strip.clientWidth / Number(strip.dataset.cells);
      if (each > 0) strip.dataset.hide = clamp(Math.ceil(Math.log2(44 / each)), 0, 4);
    }).observe(strip);
    show(frame);
    return show;
  }

  for (const explorer of document.querySelectorAll(".explorer")) {
    const data = JSON.parse(explorer.querySelector("script.data").textContent);
    const dataset = explorer.dataset.dataset, stretched = explorer.querySelector(".stretch");
    const articles = [...explorer.querySelectorAll(".video")], rows = [...explorer.querySelectorAll(".picker tbody tr")];
    const connected = new Map();

    const open = (index, frame) => {
      const article = articles[index], video = data.videos[article.dataset.video];
      articles.forEach((other) => other.classList.toggle("current", other === article));
      rows.forEach((row, at) => {
        row.classList.toggle("current", at === index);
        row.querySelector("a").ariaCurrent = at === index ? "true" : null;
      });
      const picker = explorer.querySelector(".picker"), row = rows[index];
      const head = picker.querySelector("thead").offsetHeight;
      if (row.offsetTop - head < picker.scrollTop) picker.scrollTop = row.offsetTop - head;
      else if (row.offsetTop + row.offsetHeight > picker.scrollTop + picker.clientHeight) picker.scrollTop = row.offsetTop + row.offsetHeight - picker.clientHeight;
      if (!connected.has(index)) connected.set(index, connect(article, video, data, stretched));
      if (frame !== undefined) connected.get(index)(frame);
    };
    const choose = (index) => {
      open(index);
      history.replaceState(null, "", `#${articles[index].id}`);
    };
    // #dataset/video or #dataset/video@frame: a link to one moment.
    const follow = () => {
      const [id, frame] = decodeURIComponent(location.hash.slice(1)).split("@");
      const index = articles.findIndex((article) => article.id === id);
      if (index < 0) return false;
      open(index, frame === undefined ? undefined : Number(frame) || 0);
      articles[index].scrollIntoView({ block: "nearest" });
      return true;
    };
    rows.forEach((row, index) => row.addEventListener("click", (event) => {
      event.preventDefault();
      choose(index);
    }));
    articles.forEach((article, index) => {
      article.querySelector(".step").hidden = false;
      article.querySelectorAll(".step button").forEach((button) => button.addEventListener("click", () => {
        const to = (index + Number(button.dataset.step) + articles.length) % articles.length;
        choose(to);
        articles[to].querySelector(`[data-step="${button.dataset.step}"]`).focus();
      }));
    });
    addEventListener("hashchange", follow);
    if (!follow()) open(Math.max(0, articles.findIndex((article) => article.classList.contains("current"))));
  }
})();
