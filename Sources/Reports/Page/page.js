"use strict";
(() => {
  document.documentElement.classList.add("js");
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = new Map(data.points.map((point) => [point.id, point]));
  const element = (id) => document.getElementById(id);
  const make = (tag, text) => {
    const node = document.createElement(tag);
    if (text !== undefined) node.textContent = text;
    return node;
  };
  let crop = data.crops.find((one) => Object.keys(one.pictures).length > 0);
  let current = (data.points.find((point) => point.kind === "sampled") || data.points[0] || {}).id;

  // The figures and the picture of one point.
  const number = (value, digits) => (value === undefined ? "–" : value.toFixed(digits));
  const show = (id) => {
    const point = byId.get(id);
    if (!point) return;
    current = id;
    for (const node of document.querySelectorAll("[data-id]")) node.classList.toggle("active", node.dataset.id === id);
    const card = element("card");
    card.replaceChildren(make("h3", point.label));
    const key = crop && crop.pictures[id];
    if (key) {
      const image = make("img");
      image.src = data.pictures[key];
      image.alt = `${point.label}: ${crop.name}`;
      card.append(image);
    }
    const table = make("table");
    const row = (name, text) => {
      const line = table.insertRow();
      line.append(make("th", name), make("td", text));
      line.firstChild.scope = "row";
    };
    for (const metric of data.metrics) {
      const half = point.halfWidths[metric.name];
      const text = number(point.values[metric.name], metric.digits) + (half === undefined ? "" : ` ± ${half.toFixed(metric.digits)}`);
      row(metric.unit ? `${metric.title} (${metric.unit})` : metric.title, text);
    }
    if (point.secondsPerPicture !== undefined) row("seconds a picture", point.secondsPerPicture.toFixed(2));
    card.append(table);
  };
  for (const node of document.querySelectorAll(".chart .point[data-id]")) {
    for (const kind of ["pointerenter", "focus", "click"]) node.addEventListener(kind, () => show(node.dataset.id));
  }

  // Which metrics span the plane.
  const choosePlane = () => {
    for (const plane of document.querySelectorAll(".plane")) {
      plane.hidden = plane.dataset.x !== element("x-metric").value || plane.dataset.y !== element("y-metric").value;
    }
  };
  for (const id of ["x-metric", "y-metric"]) element(id).addEventListener("change", choosePlane);
  choosePlane();

  // Before and after.
  const original = "original";
  const pictureOf = (id) => data.pictures[id === original ? crop.original : crop.pictures[id]];
  const nameOf = (id) => (id === original ? original : byId.get(id).label);
  const choices = () => data.points.map((point) => point.id).filter((id) => crop.pictures[id]).concat(crop.original ? [original] : []);
  const setSide = (side, id) => {
    element(`${side}-picture`).value = id;
    element(`${side}-image`).src = pictureOf(id);
    element(`${side}-image`).alt = `${crop.name}: ${nameOf(id)}`;
    element(`${side}-tag`).textContent = nameOf(id);
  };
  const setCut = (percent) => {
    const value = Math.min(100, Math.max(0, percent));
    element("slider").style.setProperty("--cut", `${value}%`);
    element("divider").setAttribute("aria-valuenow", String(Math.round(value)));
    return value;
  };
  const setCrop = (next) => {
    const kept = ["left", "right"].map((side) => element(`${side}-picture`).value);
    crop = next;
    const ids = choices();
    for (const side of ["left", "right"]) {
      element(`${side}-picture`).replaceChildren(...ids.map((id) => new Option(nameOf(id), id)));
    }
    const sampled = ids.find((id) => id !== original && byId.get(id).kind === "sampled");
    setSide("left", ids.includes(kept[0]) ? kept[0] : ids[0]);
    setSide("right", ids.includes(kept[1]) ? kept[1] : sampled || ids[ids.length - 1]);
    element("thumbnails").replaceChildren(...ids.map((id) => {
      const button = make("button");
      button.type = "button";
      const image = make("img");
      image.src = pictureOf(id);
      image.alt = "";
      button.append(image, make("span", nameOf(id)));
      button.addEventListener("click", () => { setSide("right", id); if (byId.has(id)) show(id); });
      return button;
    }));
    for (const button of element("crop-choice").children) button.setAttribute("aria-pressed", String(button.textContent === crop.name));
    show(current);
  };
  if (crop && element("slider")) {
    for (const one of data.crops.filter((other) => Object.keys(other.pictures).length > 0)) {
      const button = make("button", one.name);
      button.type = "button";
      button.addEventListener("click", () => setCrop(one));
      element("crop-choice").append(button);
    }
    for (const side of ["left", "right"]) {
      element(`${side}-picture`).addEventListener("change", (event) => setSide(side, event.target.value));
    }
    let cut = setCut(50);
    const slider = element("slider");
    const follow = (event) => {
      const box = slider.getBoundingClientRect();
      cut = setCut(((event.clientX - box.left) / box.width) * 100);
    };
    slider.addEventListener("pointerdown", (event) => {
      slider.setPointerCapture(event.pointerId);
      follow(event);
      element("divider").focus({ preventScroll: true });
    });
    slider.addEventListener("pointermove", (event) => { if (slider.hasPointerCapture(event.pointerId)) follow(event); });
    element("divider").addEventListener("keydown", (event) => {
      const step = event.shiftKey ? 10 : 2;
      const moves = { ArrowLeft: cut - step, ArrowDown: cut - step, ArrowRight: cut + step, ArrowUp: cut + step, PageDown: cut - 10, PageUp: cut + 10, Home: 0, End: 100 };
      if (!(event.key in moves)) return;
      event.preventDefault();
      cut = setCut(moves[event.key]);
    });
    setCrop(crop);
  }
  show(current);

  // Sorting; what was not measured comes last either way.
  const heads = [...document.querySelectorAll("#figures thead th")];
  heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
    const isDown = head.getAttribute("aria-sort") === "ascending";
    for (const other of heads) other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", isDown ? "descending" : "ascending");
    const body = document.querySelector("#figures tbody");
    const valueOf = (row) => row.cells[column].dataset.value;
    const compare = (a, b) => {
      const [x, y] = [valueOf(a), valueOf(b)];
      if (x === undefined) return a.cells[column].textContent.localeCompare(b.cells[column].textContent, undefined, { numeric: true });
      if (x === "" || y === "") return 0;
      return x - y;
    };
    const isAbsent = (row) => valueOf(row) === "";
    body.append(...[...body.rows].sort((a, b) => isAbsent(a) - isAbsent(b) || (isDown ? -1 : 1) * compare(a, b)));
  }));

  const copy = element("copy");
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(element("command").textContent);
      copy.textContent = "Copied";
    } catch {
      // A page opened from a file may not be allowed to: select the text instead.
      getSelection().selectAllChildren(element("command"));
      copy.textContent = "Selected";
    }
  });
})();
