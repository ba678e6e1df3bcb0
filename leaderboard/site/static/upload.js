// Sending a submission to the service, in pieces, going on where an interruption left it. No page is touched here.
"use strict";
(() => {
  // The service's addresses, here and nowhere else.
  const ROUTES = {
    begin: () => "api/uploads",
    state: (upload) => `api/uploads/${encodeURIComponent(upload)}`,
    file: (upload, path) =>
      `api/uploads/${encodeURIComponent(upload)}/files/${path.split("/").map(encodeURIComponent).join("/")}`,
    finish: (upload) => `api/uploads/${encodeURIComponent(upload)}/finish`,
    ticket: (ticket) => `api/tickets/${encodeURIComponent(ticket)}`,
  };
  const PIECE = 4 << 20;
  const WAITS = [500, 1_000, 2_000, 4_000, 8_000];
  const PASSING = [408, 425, 429, 500, 502, 503, 504];
  const KEY = "molmix-upload";

  class Refused extends Error {
    constructor(status, answer) {
      super(answer?.problem ?? answer?.detail ?? `the service answered ${status}`);
      this.status = status;
      this.answer = answer;
    }
  }
  const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

  const client = (token, signal) => {
    const once = async (method, path, body, type) => {
      const headers = { Authorization: `Bearer ${token}` };
      if (body !== undefined) headers["Content-Type"] = type;
      const found = await fetch(path, { method, headers, body, signal, cache: "no-store", credentials: "omit" });
      const answer = await found.json().catch(() => null);
      if (!found.ok) throw Object.assign(new Refused(found.status, answer), { after: found.headers.get("Retry-After") });
      return answer;
    };
    // What may pass by itself is tried again, after longer and longer.
    const call = async (...request) => {
      for (let turn = 0; ; turn += 1) {
        try {
          return await once(...request);
        } catch (error) {
          const passes = !(error instanceof Refused) || PASSING.includes(error.status);
          if (signal.aborted || !passes || turn === WAITS.length) throw error;
          await wait(Math.max(WAITS[turn], 1_000 * (Number(error.after) || 0)));
        }
      }
    };
    return { call, once };
  };

  const keep = (value) => {
    try {
      if (value) sessionStorage.setItem(KEY, JSON.stringify(value));
      else sessionStorage.removeItem(KEY);
    } catch {
      // Without a place to keep it, an upload goes on only while the page is open.
    }
  };
  const kept = () => {
    try {
      return JSON.parse(sessionStorage.getItem(KEY));
    } catch {
      return null;
    }
  };

  const begin = async (api, files) => {
    const listed = files.map(({ path, file }) => ({ path, num_bytes: file.size }));
    const earlier = kept();
    if (earlier && JSON.stringify(earlier.files) === JSON.stringify(listed)) {
      try {
        return await api.call("GET", ROUTES.state(earlier.upload));
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        // It ran out meanwhile: a new one begins.
      }
    }
    const found = await api.call("POST", ROUTES.begin(), JSON.stringify({ files: listed }), "application/json");
    keep({ upload: found.upload, files: listed });
    return found;
  };

  // One file from where the service has it; where the service says another place, from there.
  const sendFile = async (api, upload, { path, file }, received, told) => {
    let offset = received;
    while (offset < file.size) {
      const piece = file.slice(offset, offset + PIECE);
      const address = `${ROUTES.file(upload, path)}?offset=${offset}`;
      try {
        offset = (await api.call("PUT", address, piece, "application/octet-stream")).received;
      } catch (error) {
        if (error.status !== 409 || !Number.isInteger(error.answer?.received)) throw error;
        offset = error.answer.received;
      }
      told(path, offset);
    }
  };

  // Sends all, and returns the ticket; `told(path, bytes)` as it goes.
  const send = async (files, token, { signal, told }) => {
    const api = client(token, signal);
    const found = await begin(api, files);
    const received = new Map((found.files ?? []).map((item) => [item.path, item.received ?? 0]));
    for (const item of files) {
      told(item.path, received.get(item.path) ?? 0);
      await sendFile(api, found.upload, item, received.get(item.path) ?? 0, told);
    }
    const { ticket } = await api.call("POST", ROUTES.finish(found.upload), "{}", "application/json");
    keep(null);
    return ticket;
  };

  const watch = async (ticket, token, { signal, told }) => {
    const api = client(token, signal);
    for (;;) {
      const found = await api.call("GET", ROUTES.ticket(ticket));
      told(found);
      if (["accepted", "refused", "failed", "removed"].includes(found.state)) return found;
      await wait(1_000);
    }
  };
  Object.assign(molmix, { sendSubmission: send, watchTicket: watch });
})();
