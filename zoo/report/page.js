"use strict";
for (const film of document.querySelectorAll(".film")) {
  const frames = [...film.querySelectorAll(".frames img")];
  const slider = film.querySelector("input");
  if (!slider) continue;
  const shown = film.querySelector("output");
  const play = film.querySelector("button");
  let timer = 0;
  const show = (place) => {
    frames.forEach((frame, at) => { frame.hidden = at !== place; });
    shown.textContent = frames[place].dataset.step;
    slider.setAttribute("aria-valuetext", "step " + frames[place].dataset.step);
  };
  const stop = () => {
    clearInterval(timer);
    timer = 0;
    play.textContent = "Play";
  };
  slider.addEventListener("input", () => { stop(); show(Number(slider.value)); });
  play.addEventListener("click", () => {
    if (timer) { stop(); return; }
    if (Number(slider.value) === frames.length - 1) slider.value = 0;
    show(Number(slider.value));
    play.textContent = "Pause";
    timer = setInterval(() => {
      slider.value = Number(slider.value) + 1;
      show(Number(slider.value));
      if (Number(slider.value) === frames.length - 1) stop();
    }, 250);
  });
  film.querySelector(".controls").hidden = false;
  slider.value = frames.length - 1;
}
window.addEventListener("beforeprint", () => {
  for (const each of document.querySelectorAll("details")) each.open = true;
});
