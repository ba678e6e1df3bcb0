// The submission page: a folder chosen or dropped, its progress, the ticket and the verdict.
"use strict";
(() => {
  const { count, element, sendSubmission, watchTicket, whole } = molmix;
  const form = document.getElementById("upload");
  const drop = form.querySelector(".drop");
  const verdict = document.getElementById("verdict");
  const part = (name) => form.querySelector(name);
  const [sendButton, stopButton] = [part("[type=submit]"), part("[name=stop]")];
  const SHOWN = 8;
  const WORDS = {
    queued: "Waiting for a worker.",
    checking: "Being checked.",
    scoring: "The check found nothing wrong; being scored.",
    accepted: "Scored: it stands on the board.",
    refused: "Refused. Everything that is wrong, with how to mend it:",
    failed: "Scoring it failed; that is no fault of the submission. The maintainers can see why.",
    removed: "Taken off the board.",
  };
  let files = [];
  let going = null;

  const megabytes = (bytes) => (bytes < 1e5 ? `${whole(bytes)} bytes` : `${(bytes / 1e6).toFixed(1)} MB`);
  const say = (text) => {
    part(".said").textContent = text;
  };

  // Below the folder that holds submission.yaml; hidden files and what no submission has stay here.
  const belonging = (found) => {
    const root = found.map(({ path }) => path).find((path) => /(^|\/)submission\.yaml$/.test(path));
    if (root === undefined) return [];
    const above = root.slice(0, -"submission.yaml".length);
    return found
      .filter(({ path }) => path.startsWith(above))
      .map(({ path, file }) => ({ path: path.slice(above.length), file }))
      .filter(({ path }) => path === "submission.yaml" || /^predictions\/[^.].*\.parquet$/.test(path))
      .sort((one, other) => (one.path < other.path ? -1 : 1));
  };

  const choose = (found) => {
    files = belonging(found);
    const left = found.length - files.length;
    part(".chosen").hidden = files.length === 0;
    const total = files.reduce((sum, { file }) => sum + file.size, 0);
    part(".what").textContent = `${count(files.length, "file")}, ${megabytes(total)}`;
    part(".left").textContent = left ? `${count(left, "other file")} there, left out` : "";
    const more = files.length > SHOWN ? [element("li", {}, `and ${whole(files.length - SHOWN)} more`)] : [];
    part(".files").replaceChildren(
      ...files.slice(0, SHOWN).map(({ path, file }) => element("li", {}, element("bdi", {}, path), `, ${megabytes(file.size)}`)),
      ...more,
    );
    sendButton.disabled = files.length < 2;
    const none = "There is no submission.yaml with predictions/ beside it in what was chosen.";
    // Said too, for those who do not see the list.
    say(files.length < 2 ? none : `Ready to send: ${part(".what").textContent}.`);
  };

  const walk = async (entry, path = "") => {
    if (entry.isFile) return [{ path: path + entry.name, file: await new Promise((done, fail) => entry.file(done, fail)) }];
    const reader = entry.createReader();
    const inside = [];
    for (;;) {
      // It gives at most a hundred at a time.
      const some = await new Promise((done, fail) => reader.readEntries(done, fail));
      if (some.length === 0) break;
      inside.push(...some);
    }
    return (await Promise.all(inside.map((one) => walk(one, `${path}${entry.name}/`)))).flat();
  };

  const show = (found) => {
    verdict.hidden = false;
    verdict.querySelector(".ticket").textContent = found.ticket;
    const state = verdict.querySelector(".state");
    state.textContent = found.state;
    state.classList.toggle("added", found.state === "accepted");
    state.classList.toggle("removed", ["refused", "failed"].includes(found.state));
    const words = verdict.querySelector(".words");
    const before = found.state === "queued" && found.ahead > 0 ? ` ${count(found.ahead, "submission")} before it.` : "";
    const text = (WORDS[found.state] ?? found.state) + before;
    if (words.textContent !== text) words.textContent = text;
    verdict.querySelector(".problems").replaceChildren(
      ...(found.problems ?? []).map(({ where, found: what, expected, fix }) =>
        element("li", {}, element("code", {}, where), `: found ${what}`, expected ? `; expected ${expected}` : "", fix ? `; ${fix}` : ""),
      ),
    );
    const isPage = typeof found.page === "string" && /^[a-z0-9_][\w.\/-]*$/i.test(found.page);
    verdict.querySelector(".links").replaceChildren(...(isPage ? [element("a", { href: found.page }, "Its page")] : []));
  };

  const turn = (isGoing) => {
    sendButton.disabled = isGoing || files.length < 2;
    stopButton.hidden = !isGoing;
    part(".going").hidden = !isGoing;
    for (const field of [form.elements.token, document.getElementById("folder")]) field.disabled = isGoing;
  };

  const progress = () => {
    const total = files.reduce((sum, { file }) => sum + file.size, 0);
    const sent = new Map();
    const began = performance.now();
    let first = null;
    return (path, bytes) => {
      sent.set(path, bytes);
      const done = [...sent.values()].reduce((sum, one) => sum + one, 0);
      first ??= done;
      const rate = (done - first) / Math.max(1, performance.now() - began);
      part("progress").value = total ? done / total : 1;
      part(".rate").textContent = `${megabytes(done)} of ${megabytes(total)}${rate > 0 ? `, ${(rate / 1e3).toFixed(1)} MB/s` : ""}`;
    };
  };

  const run = async () => {
    going = new AbortController();
    const { signal } = going;
    const token = form.elements.token.value.trim();
    turn(true);
    say("");
    try {
      const ticket = await sendSubmission(files, token, { signal, told: progress() });
      say("All of it has arrived.");
      turn(false);
      show({ ticket, state: "queued" });
      verdict.focus();
      await watchTicket(ticket, token, { signal, told: (found) => show({ ticket, ...found }) });
    } catch (error) {
      say(signal.aborted ? "Stopped. Sending it again goes on from here." : `It did not go through: ${error.message}. Sending it again goes on from here.`);
    } finally {
      turn(false);
    }
  };

  document.getElementById("folder").addEventListener("change", ({ target }) =>
    choose([...target.files].map((file) => ({ path: file.webkitRelativePath || file.name, file }))),
  );
  for (const name of ["dragenter", "dragover"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", async (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean);
    choose((await Promise.all(entries.map((entry) => walk(entry)))).flat());
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run();
  });
  stopButton.addEventListener("click", () => going?.abort());
  form.hidden = false;
})();
