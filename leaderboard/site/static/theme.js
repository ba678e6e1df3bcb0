// Light or dark: as the reader's system is, until the button says otherwise. Runs before anything is drawn.
"use strict";
(() => {
  const KEY = "molmix-theme";
  const CHOICES = ["system", "light", "dark"];
  let choice = "system";
  try {
    const kept = localStorage.getItem(KEY);
    if (CHOICES.includes(kept)) choice = kept;
  } catch {
    // A browser that keeps nothing for this page: the choice lasts as long as the page.
  }

  const apply = () => {
    if (choice === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = choice;
  };
  apply();

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    const show = () => {
      button.dataset.choice = choice;
      button.querySelector(".word").textContent = choice;
      button.title = `Colours: ${choice}`;
    };
    button.hidden = false;
    button.addEventListener("click", () => {
      choice = CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length];
      try {
        localStorage.setItem(KEY, choice);
      } catch {
        // As above.
      }
      apply();
      show();
    });
    show();
  });
})();
