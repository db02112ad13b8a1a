// Looks at a comparison and tells what was seen.
addEventListener("load", () => setTimeout(() => {
  const still = document.querySelector(".frames .still");
  seen.drawn = getComputedStyle(still).backgroundImage.startsWith("url(\"data:image/");
  seen.stops = document.querySelectorAll("[tabindex='0'], a[href]").length;
  seen.overflow = seen.over();
  seen.tell();
}, 100));
