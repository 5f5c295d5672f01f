"use strict";
// The big screen: hears the stream of its campaign and shows one board after the other.
// The ticket stands behind the # of the address, so it is in no log; it is kept for this window only.

const SUBJECTS = {person: "个人榜 / People", department: "部门榜 / Departments", class: "班级榜 / Classes",
  city: "城市榜 / Cities", team: "小队榜 / Teams"};
const MEASURES = {grams: "减排量 / grams", points: "积分 / points", mean_grams: "人均减排量 / grams per head",
  mean_points: "人均积分 / points per head"};
const STATES = {announced: "即将开始 / Starts soon", running: "进行中 / Running",
  closing: "统计中，迟到的行为仍会计入 / Closing: late acts still count", final: "最终结果 / Final result",
  cancelled: "活动已取消 / Cancelled"};
const EACH_BOARD_MS = 12000, LONGEST_WAIT_S = 60;
// The server says every fifteen seconds that it is still there.
const LONGEST_SILENCE_MS = 45000;

const at = (id) => document.getElementById(id);
const note = (text) => { at("note").textContent = text; };
const whole = (number) => number.toLocaleString("en-US");

let picture = null, place = 0;

function ticket() {
  const given = location.hash.slice(1);
  if (given) {
    sessionStorage.setItem("ticket", given);
    history.replaceState(null, "", location.pathname);
  }
  return sessionStorage.getItem("ticket");
}

function left() {
  if (!picture) return "";
  const until = {announced: picture.starts_at, running: picture.ends_at, closing: picture.closes_at}[picture.state];
  const seconds = until ? Math.max(0, Math.floor((Date.parse(until) - Date.now()) / 1000)) : 0;
  const parts = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60];
  const [days, ...clock] = parts;
  const text = clock.map((part) => String(part).padStart(2, "0")).join(":");
  return STATES[picture.state] + (until ? `  ${days ? days + " 天 " : ""}${text}` : "");
}

function showBoard() {
  const boards = picture ? picture.boards.filter((board) => board.entries.length) : [];
  const board = boards.length ? boards[place % boards.length] : null;
  at("board").textContent = board ? `${SUBJECTS[board.subject]} · ${MEASURES[board.measure]}` +
    (board.period === "all" ? "" : ` · ${board.period}`) : "";
  at("entries").replaceChildren(...(board ? board.entries : []).map((entry) => {
    const line = document.createElement("li");
    for (const text of [String(entry.rank), entry.name || entry.title, whole(entry.score)]) {
      line.appendChild(document.createElement("span")).textContent = text;
    }
    return line;
  }));
}

function show(next) {
  picture = next;
  at("title").textContent = document.title = picture.title.zh;
  at("subtitle").textContent = picture.title.en;
  at("sums").hidden = !picture.sums;
  if (picture.sums) {
    at("kilograms").textContent = whole(Math.floor(picture.sums.grams / 1000));
    at("people").textContent = whole(picture.sums.people);
    at("acts").textContent = whole(picture.sums.acts);
  }
  showBoard();
}

// Reads one stream to its end; true where the screen shall come again.
async function hear(response, leave) {
  const reader = response.body.getReader(), decoder = new TextDecoder();
  let waiting = "";
  for (;;) {
    const silence = setTimeout(leave, LONGEST_SILENCE_MS);
    const {done, value} = await reader.read().finally(() => clearTimeout(silence));
    if (done) return true;
    waiting += decoder.decode(value, {stream: true});
    const blocks = waiting.split("\n\n");
    waiting = blocks.pop();
    for (const block of blocks) {
      const fields = new Map(block.split("\n").map((line) => [line.split(": ", 1)[0], line.slice(line.indexOf(": ") + 2)]));
      const event = fields.get("event");
      if (event === "picture") { show(JSON.parse(fields.get("data"))); note(""); }
      if (event === "final") return false;
      if (event === "refused") { note("大屏已关闭 / This screen was closed"); return false; }
    }
  }
}

async function listen() {
  for (let wait = 3; ; ) {
    const line = new AbortController(), headers = {Authorization: `Bearer ${ticket()}`};
    try {
      const response = await fetch(`${location.pathname}/stream`, {headers, cache: "no-store", signal: line.signal});
      if (response.status === 401) return note("大屏凭证无效 / The ticket opens no screen");
      if (response.ok) {
        if (!await hear(response, () => line.abort())) return;
        wait = 3;
      } else {
        wait = Number(response.headers.get("Retry-After")) || Math.min(2 * wait, LONGEST_WAIT_S);
        note("连接繁忙，正在重试 / Busy, trying again");
      }
    } catch {
      wait = Math.min(2 * wait, LONGEST_WAIT_S);
      note("连接中断，正在重试 / Connection lost, trying again");
    }
    // Not all at the same moment: many screens may have lost the same server.
    await new Promise((resolve) => setTimeout(resolve, 1000 * wait * (0.75 + Math.random() / 2)));
  }
}

setInterval(() => { at("time").textContent = left(); }, 1000);
setInterval(() => { place += 1; showBoard(); }, EACH_BOARD_MS);
listen();
