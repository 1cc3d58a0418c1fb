// The charts of the report. All data are in the page, and text is set as text.
"use strict";
(() => {
  const root = document.documentElement;
  const find = (id) => document.getElementById(id);
  const report = JSON.parse(find("report").textContent);
  const line = report.timeline;
  const end = Math.max(report.duration_s, line.part_s);
  const at = Array.from({ length: line.parts }, (_, i) => Math.min((i + 0.5) * line.part_s, end));
  const LEFT = 58;

  const make = (tag, attributes, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name === "click" || name === "change" || name === "toggle") element.addEventListener(name, value);
      else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children);
    return element;
  };

  // Numbers as the tables have them.
  const digits = (value) => {
    const size = Math.abs(value);
    if (size >= 100 || value === 0) return Math.round(value).toLocaleString("en");
    return String(Number(value.toPrecision(3)));
  };
  const time = (ns) => {
    if (ns < 1e3) return `${digits(ns)}ns`;
    if (ns < 1e6) return `${digits(ns / 1e3)}us`;
    if (ns < 1e9) return `${digits(ns / 1e6)}ms`;
    return ns < 6e10 ? `${digits(ns / 1e9)}s` : clock(ns / 1e9);
  };
  const clock = (seconds) => {
    const tenths = Math.round(seconds * 10);
    const [h, m, s] = [Math.floor(tenths / 36000), Math.floor(tenths / 600) % 60, (tenths % 600) / 10];
    const parts = [h ? `${h}h` : "", m ? `${m}m` : "", s || (!h && !m) ? `${s}s` : ""];
    return parts.join("");
  };
  const bytes = (value) => {
    const names = ["B", "KiB", "MiB", "GiB", "TiB"];
    let step = 0;
    for (; Math.abs(value) >= 1024 && step < 4; step++) value /= 1024;
    return `${digits(value)}${names[step]}`;
  };
  const percent = (value) => `${digits(value * 100)}%`;
  const rate = (value) => `${digits(value)}/s`;
  const BY_UNIT = { duration: time, percent, points: percent, bytes, bandwidth: (value) => `${bytes(value)}/s`, rate };
  const of_unit = (unit) => BY_UNIT[unit.toLowerCase()] || digits;

  let colours = {};
  const read_colours = () => {
    const style = getComputedStyle(root);
    const names = ["text", "muted", "line", "good", "bad", "unsure", "accent", "surface", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8"];
    colours = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
    const canvas = make("canvas").getContext("2d");
    colours.soft = (name, alpha) => {
      canvas.fillStyle = colours[name];
      const [r, g, b] = [1, 3, 5].map((at) => parseInt(canvas.fillStyle.slice(at, at + 2), 16));
      return `rgba(${r}, ${g}, ${b}, ${alpha})`;
    };
  };
  const lined = (number) => colours[`c${(number % 8) + 1}`];

  // What happened, in rows below the charts.
  const lanes = () => {
    const rows = [];
    for (const load of line.loads) {
      const own = report.windows.filter((w) => w.load === load.load && !w.is_after);
      const bars = own.map((w) => ({ from: w.start_ns / 1e9, to: w.end_ns / 1e9, text: w.name, faint: !w.judged }));
      rows.push({ name: load.load, kind: "stage", bars });
    }
    for (const row of report.course.rows) {
      const bars = row.ranges_ns.map(([from, to]) => ({ from: from / 1e9, to: to / 1e9 }));
      rows.push({ name: row.what && row.kind !== "lost" ? `${row.name}: ${row.what}` : `${row.name}${row.kind === "lost" ? " lost" : ""}`, kind: row.kind, bars });
    }
    const fired = (own) => own.delivered_s || own.active_s || own.rule_s;
    for (const source of report.alerts || []) {
      for (const own of source.expected) {
        const time = fired(own);
        const bars = time ? [{ from: time[0], to: time[1] === null ? end : time[1] }] : [];
        const due = { from: own.from_s, to: own.from_s + own.within_s };
        rows.push({ name: `alert ${own.name}: ${own.class}`, kind: "alert", bars, due });
      }
      for (const own of source.others.slice(0, 20)) {
        const time = fired(own);
        if (time) rows.push({ name: `alert ${own.name}${own.allowed ? "" : ": not expected"}`, kind: own.allowed ? "alert" : "alarm", bars: [{ from: time[0], to: time[1] === null ? end : time[1] }] });
      }
    }
    const moments = [];
    if (report.gave_way) {
      const { broke, reached } = report.gave_way;
      moments.push({ at: broke.at_s, text: `${broke.what === "latency" ? "latency" : "errors"} of ${broke.load} ${broke.from_start ? "too high" : "broke"}` });
      for (const one of reached.slice(0, 3)) moments.push({ at: one.at_s, text: `${one.kind.replace("_", " ")} at its bound` });
    }
    for (const one of report.restarts.slice(0, 20)) moments.push({ at: one.at / 1e9, text: `${one.service} ended, was started again` });
    if (report.aborted) moments.push({ at: report.aborted.at_s, text: "aborted" });
    for (const one of moments) rows.push({ name: one.text, kind: "moment", bars: [{ from: one.at, to: one.at }] });
    return rows.filter((row) => row.bars.length || row.due);
  };
  const rows = lanes();
  const KINDS = { fault: "bad", event: "c2", lost: "unsure", alert: "c7", alarm: "bad", stage: "c8", moment: "bad" };

  // One range of time for all charts.
  let zoom = [0, end];
  let marked = [];
  let panels = [];
  const zoom_to = (from, to) => {
    const least = Math.min(line.part_s * 2, end);
    if (to - from < least) { const middle = (from + to) / 2; [from, to] = [middle - least / 2, middle + least / 2]; }
    const length = Math.min(to - from, end);
    from = Math.min(Math.max(from, 0), end - length);
    zoom = [from, from + length];
    panels.forEach((panel) => panel.setScale("x", { min: zoom[0], max: zoom[1] }));
    root.dataset.zoom = zoom.map((edge) => edge.toFixed(2)).join(" ");
    const whole = zoom[0] === 0 && zoom[1] === end;
    find("range").textContent = whole ? `whole run, ${clock(end)}` : `${clock(zoom[0])} to ${clock(zoom[1])} of ${clock(end)}`;
  };
  const mark = (ranges) => { marked = ranges; panels.forEach((panel) => panel.redraw(false)); };

  const bands = (u) => {
    const { ctx, bbox } = u;
    const x = (value) => u.valToPos(value, "x", true);
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    for (const row of rows.filter((row) => row.kind === "fault" || row.kind === "lost" || row.kind === "event")) {
      ctx.fillStyle = colours.soft(KINDS[row.kind], row.kind === "lost" ? 0.09 : 0.11);
      for (const bar of row.bars) ctx.fillRect(x(bar.from), bbox.top, Math.max(x(bar.to) - x(bar.from), 1), bbox.height);
    }
    for (const [from, to] of marked) {
      ctx.fillStyle = colours.soft("accent", 0.13);
      ctx.fillRect(x(from), bbox.top, x(to) - x(from), bbox.height);
      ctx.fillStyle = colours.accent;
      ctx.fillRect(x(from), bbox.top, x(to) - x(from), 2 * devicePixelRatio);
    }
    ctx.restore();
  };

  const summary = (values, format) => {
    const known = values.filter((value) => value !== null);
    if (!known.length) return "no values";
    const most = known.reduce((a, b) => Math.max(a, b));
    const least = known.reduce((a, b) => Math.min(a, b));
    return `${format(least)} to ${format(most)}, highest at ${clock(at[values.indexOf(most)])}`;
  };

  const is_wide = (values) => {
    const known = values.flat().filter((value) => value > 0);
    const most = known.reduce((a, b) => Math.max(a, b), 0);
    return most > 30 * known.reduce((a, b) => Math.min(a, b), Infinity);
  };

  // Lines of a logarithmic scale: powers of ten, and 2 and 5 of them if there is room.
  const decades = (_, __, least, most) => {
    const all = [];
    const wide = most / least > 300;
    for (let power = 10 ** Math.floor(Math.log10(least)); power <= most; power *= 10) all.push(...(wide ? [power] : [power, 2 * power, 5 * power]));
    return all.filter((value) => value >= least * 0.999 && value <= most * 1.001);
  };
  const logarithmic = { splits: decades, filter: (_, all) => all };

  const swatch = ({ colour, dash }) => {
    const drawing = (name, attributes, ...children) => {
      const element = document.createElementNS("http://www.w3.org/2000/svg", name);
      for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
      element.append(...children);
      return element;
    };
    const stroke = drawing("path", { d: "M0 6H18", stroke: colour, "stroke-width": "3", ...(dash ? { "stroke-dasharray": "4 3" } : {}) });
    return drawing("svg", { viewBox: "0 0 18 12", "aria-hidden": "true" }, stroke);
  };

  // A level for the whole of each part: uPlot's own steps begin or end in the middle of one, so that a failure would seem to come before the
  // fault that made it.
  const steps = (u, index, first, last) => {
    const [x, y] = ["x", "y"].map((scale) => (value) => u.valToPos(value, scale, true));
    const [stroke, fill] = [new Path2D(), new Path2D()];
    let right = null;
    const close = () => { if (right !== null) { fill.lineTo(right, y(0)); fill.closePath(); } right = null; };
    for (let at = first; at <= last; at += 1) {
      const value = u.data[index][at];
      if (value === null || value === undefined) { close(); continue; }
      const [left, level] = [x(at * line.part_s), y(value)];
      if (right === null) { stroke.moveTo(left, level); fill.moveTo(left, y(0)); } else stroke.lineTo(left, level);
      fill.lineTo(left, level);
      right = x(at + 1 === line.parts ? end : (at + 1) * line.part_s);
      stroke.lineTo(right, level);
      fill.lineTo(right, level);
    }
    close();
    return { stroke, fill, clip: null, band: null, gaps: null, flags: 1 };
  };

  // A chart over time: its lines, and what is drawn on it.
  const chart = (into, { title, height, format, series, log, range, drawn, axis, hint }) => {
    const legend = make("ul", { class: "legend" });
    const outputs = series.filter((one) => one.label).map((one, index) => {
      const output = make("output", {}, "");
      const button = make("button", { type: "button", "aria-pressed": "true", click: () => {
        const shown = button.getAttribute("aria-pressed") !== "true";
        button.setAttribute("aria-pressed", String(shown));
        u.setSeries(index + 1, { show: shown });
      } }, swatch(one), one.label);
      legend.append(make("li", {}, button, output));
      return output;
    });
    const box = make("div", {});
    const text = series.filter((one) => one.label).map((one) => `${one.label}: ${summary(one.values, format)}`).join("; ");
    const figure = make("figure", {}, make("figcaption", {}, make("strong", {}, title), legend), box);
    into.append(figure);
    const u = new uPlot({
      width: Math.max(box.clientWidth, 200),
      height,
      legend: { show: false },
      padding: [6, 14, 0, 0],
      scales: { x: { time: false }, y: { distr: log ? 3 : 1, range } },
      series: [{}, ...series.map((one) => ({
        stroke: one.colour, width: 1.5, fill: one.fill, dash: one.dash, points: { show: at.length < 3 ? true : one.alone, size: 5 }, spanGaps: false,
        paths: one.steps ? steps : undefined,
      }))],
      axes: [
        { stroke: colours.muted, grid: { stroke: colours.line, width: 1 }, ticks: { show: false }, size: axis ? 26 : 8, gap: 3, space: 64, values: (_, all) => all.map((value) => (axis ? clock(value) : "")) },
        { stroke: colours.muted, grid: { stroke: colours.line, width: 1, show: height > 60 && !!format }, ticks: { show: false }, size: LEFT, gap: 4, space: 26, ...(log ? logarithmic : {}), incrs: format === bytes ? Array.from({ length: 44 }, (_, power) => 2 ** power) : undefined, values: (_, all) => all.map((value) => (value === null || !format ? "" : format(value))) },
      ],
      cursor: {
        sync: { key: "time", scales: ["x", null] }, y: false, points: { size: 6 }, drag: { x: true, y: false, setScale: true },
        bind: { dblclick: () => () => { mark([]); zoom_to(0, end); return null; } },
      },
      hooks: {
        drawClear: [bands],
        draw: drawn ? [drawn] : [],
        setScale: [(own, key) => {
          const { min, max } = own.scales.x;
          if (key === "x" && panels.includes(own) && (Math.abs(min - zoom[0]) > 1e-6 || Math.abs(max - zoom[1]) > 1e-6)) zoom_to(min, max);
        }],
        setCursor: [(own) => {
          const index = own.cursor.idx;
          outputs.forEach((output, number) => {
            const value = index === null || index === undefined ? undefined : series[number].values[index];
            output.textContent = value === undefined ? "" : value === null ? (series[number].none || (() => "–"))(index) : format(value);
          });
          if (own === panels[0]) tell(index);
        }],
      },
    }, [at, ...series.map((one) => one.values)], box);
    u.root.setAttribute("role", "img");
    u.root.setAttribute("aria-label", `${title}. ${text || hint || ""}`);
    u.box = box;
    panels.push(u);
    return u;
  };

  const tell = (index) => {
    if (index === null || index === undefined) { find("at").textContent = ""; return; }
    const now = at[index];
    const inside = rows.filter((row) => row.kind !== "moment" && row.bars.some((bar) => bar.from <= now && now < bar.to));
    const names = inside.map((row) => (row.kind === "stage" ? `${row.name} ${row.bars.find((bar) => bar.from <= now && now < bar.to).text}` : row.name));
    find("at").textContent = `at ${clock(Math.floor(index * line.part_s))}${names.length ? ` · ${names.join(" · ")}` : ""}`;
  };

  const heat = (load) => {
    const cells = load.latencies;
    let [least, most, highest] = [Infinity, 0, 0];
    for (const cell of cells) for (let i = 0; i < cell.length; i += 2) { least = Math.min(least, cell[i]); most = Math.max(most, cell[i]); highest = Math.max(highest, cell[i + 1]); }
    if (!highest) return null;
    const edge = (row) => 2 ** (row / 4);
    const drawn = (u) => {
      const { ctx, bbox } = u;
      ctx.save();
      ctx.beginPath();
      ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
      ctx.clip();
      const x = (value) => u.valToPos(value, "x", true);
      const y = (value) => u.valToPos(value, "y", true);
      cells.forEach((cell, index) => {
        const length = line.part_s * line.parts_of_latencies;
        const [left, right] = [x(index * length), x(Math.min((index + 1) * length, end))];
        if (right < bbox.left || left > bbox.left + bbox.width) return;
        for (let i = 0; i < cell.length; i += 2) {
          const [top, bottom] = [y(edge(cell[i] + 1)), y(edge(cell[i]))];
          ctx.fillStyle = colours.soft("c1", 0.1 + 0.9 * Math.log(1 + cell[i + 1]) / Math.log(1 + highest));
          ctx.fillRect(left, top, Math.max(right - left, 1), Math.max(bottom - top, 1));
        }
      });
      ctx.restore();
    };
    return { least: edge(least), most: edge(most + 1), drawn };
  };

  const lanes_chart = (into) => {
    const HEIGHT = 30;
    const drawn = (u) => {
      const { ctx, bbox } = u;
      const ratio = devicePixelRatio;
      const x = (value) => u.valToPos(value, "x", true);
      ctx.save();
      ctx.beginPath();
      ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
      ctx.clip();
      ctx.font = `${11 * ratio}px system-ui, sans-serif`;
      ctx.textBaseline = "middle";
      ctx.textAlign = "left";
      rows.forEach((row, number) => {
        const top = bbox.top + number * HEIGHT * ratio;
        const base = top + 16 * ratio;
        if (row.due) {
          ctx.strokeStyle = colours.muted;
          ctx.setLineDash([3 * ratio, 3 * ratio]);
          ctx.strokeRect(x(row.due.from), base, x(row.due.to) - x(row.due.from), 10 * ratio);
          ctx.setLineDash([]);
        }
        for (const bar of row.bars) {
          const [left, right] = [x(bar.from), x(bar.to)];
          ctx.fillStyle = colours.soft(KINDS[row.kind], row.kind === "stage" ? (bar.faint ? 0.18 : 0.4) : 0.85);
          if (row.kind === "moment") {
            ctx.beginPath();
            ctx.moveTo(left, base);
            ctx.lineTo(left - 5 * ratio, base + 10 * ratio);
            ctx.lineTo(left + 5 * ratio, base + 10 * ratio);
            ctx.fill();
          } else {
            ctx.fillRect(left, base, Math.max(right - left - (row.kind === "stage" ? ratio : 0), 2 * ratio), 10 * ratio);
          }
        }
        ctx.fillStyle = colours.text;
        const first = row.bars.find((bar) => x(bar.to) >= bbox.left) || row.bars[0] || row.due;
        const name = row.kind === "stage" ? `${row.name}: ${row.bars.map((bar) => bar.text).slice(0, 6).join(", ")}${row.bars.length > 6 ? " …" : ""}` : row.name;
        const width = ctx.measureText(name).width;
        const left = row.kind === "stage" ? bbox.left : Math.min(x(first.from), bbox.left + bbox.width - width - 2 * ratio);
        ctx.fillText(name, Math.max(left, bbox.left) + 2 * ratio, top + 8 * ratio);
      });
      ctx.restore();
    };
    const words = rows.map((row) => `${row.name} ${row.bars.slice(0, 5).map((bar) => (bar.to > bar.from ? `${clock(bar.from)} to ${clock(bar.to)}` : `at ${clock(bar.from)}`)).join(", ")}`);
    chart(into, { title: "What happened", height: rows.length * HEIGHT + 36, series: [{ values: at.map(() => null) }], range: [0, 1], drawn, axis: true, hint: words.join("; ") });
  };

  // Which watched series are shown.
  const metrics = line.watched.map((one, index) => ({ ...one, index, ...report.metrics[one.name] })).filter((one) => one.values.some((value) => value !== null));
  const chosen = new Set();
  const choose_first = () => {
    const usual = (one) => one.name.endsWith(".cpu") || one.name.endsWith(".memory");
    for (const one of [...metrics.filter((one) => one.asked), ...metrics.filter(usual)]) if (chosen.size < 8) chosen.add(one.name);
    if (!chosen.size) metrics.slice(0, 4).forEach((one) => chosen.add(one.name));
  };
  choose_first();

  // What broke is what one looks for.
  const broken = report.gave_way ? line.loads.findIndex((load) => load.load === report.gave_way.broke.load) : -1;
  let shown = Math.max(broken, 0);
  const build = () => {
    read_colours();
    panels.forEach((panel) => panel.destroy());
    panels = [];
    const into = find("charts");
    into.replaceChildren();
    const load = line.loads[shown];
    if (load) {
      const unanswered = (index) => (load.unanswered[index] > 0 ? "no answer" : "–");
      const quantiles = [["p50", load.p50_ns, "c1"], ["p95", load.p95_ns, "c2"], ["p99", load.p99_ns, "c3"]];
      const top_marks = (u) => {
        const { ctx, bbox } = u;
        ctx.save();
        ctx.fillStyle = colours.bad;
        load.p99_ns.forEach((value, index) => {
          if (value !== null || !load.unanswered[index]) return;
          const [left, right] = [u.valToPos(index * line.part_s, "x", true), u.valToPos((index + 1) * line.part_s, "x", true)];
          const from = Math.max(left, bbox.left);
          if (right > from && left < bbox.left + bbox.width) ctx.fillRect(from, bbox.top, Math.min(right, bbox.left + bbox.width) - from, 4 * devicePixelRatio);
        });
        ctx.restore();
      };
      const none = load.p99_ns.some((value, index) => value === null && load.unanswered[index] > 0);
      if (quantiles.some(([, values]) => values.some((value) => value !== null)) || none) {
        chart(into, {
          title: none ? "Latency (red at the top: p99 got no answer)" : "Latency", height: 190, format: time, log: is_wide(quantiles.map(([, values]) => values)), drawn: top_marks,
          series: quantiles.map(([label, values, colour]) => ({ label, values, colour: colours[colour], none: unanswered })),
        });
      }
      const map = heat(load);
      if (map) chart(into, { title: "How many answers took how long", height: 120, format: time, log: true, range: [map.least, map.most], drawn: map.drawn, series: [{ values: at.map(() => null) }], hint: `from ${time(map.least)} to ${time(map.most)}` });
      chart(into, { title: "Requests per second", height: 110, format: digits, range: (u, a, b) => [0, Math.max(b || 0, 1) * 1.05], series: [
        { label: "succeeded", values: load.answered, colour: colours.c5, fill: colours.soft("c5", 0.12) },
        { label: "failed", values: load.failed, colour: colours.bad },
      ] });
      const share = load.failed.map((failed, index) => (failed + load.answered[index] > 0 ? failed / (failed + load.answered[index]) : null));
      if (share.some((value) => value > 0)) {
        chart(into, { title: "Failed", height: 80, format: percent, range: (u, a, b) => [0, Math.max(b || 0, 0.01)], series: [{ label: "of the requests", values: share, colour: colours.bad, fill: colours.soft("bad", 0.15), steps: true }] });
      }
      resources(into);
      const flying = { label: "requests in flight", values: load.in_flight, colour: colours.c7 };
      const dropped = load.dropped.some((value) => value > 0) ? [{ label: "dropped", values: load.dropped, colour: colours.bad }] : [];
      const planned = load.planned ? [{ label: "planned", values: load.planned, colour: colours.c8, dash: [5, 4] }] : [];
      const level = load.open
        ? { title: "Load: iterations per second", series: [...planned, { label: "started", values: load.started, colour: colours.c1 }, ...dropped] }
        : { title: "Load: users", series: [...planned.map((one) => ({ ...one, label: "planned users" })), flying] };
      chart(into, { ...level, height: 110, format: digits, range: (u, a, b) => [0, Math.max(b || 0, 1) * 1.05] });
    }
    lanes_chart(into);
    plots.forEach((own) => own.destroy());
    plots = [];
    percentiles();
    sweeps();
    zoom_to(...zoom);
  };

  const resources = (into) => {
    const units = new Map();
    for (const one of metrics.filter((one) => chosen.has(one.name))) units.set(one.unit, [...(units.get(one.unit) || []), one]);
    for (const [unit, all] of units) {
      chart(into, {
        title: unit.toLowerCase() === "number" ? "Watched" : `Watched (${unit.toLowerCase()})`, height: 110, format: of_unit(unit), range: (u, a, b) => [Math.min(a || 0, 0), (b || 0) > 0 ? b * 1.05 : 1],
        series: all.slice(0, 8).map((one, number) => ({ label: one.name, values: one.values, colour: lined(number) })),
      });
    }
  };

  // Charts over something else than time.
  let plots = [];
  const plot = (into, { title, hint, xs, across, format, up, log, series }) => {
    const legend = make("ul", { class: "legend" });
    const outputs = series.filter((one) => one.label).map((one) => {
      const output = make("output", {}, "");
      legend.append(make("li", {}, swatch(one), make("span", {}, one.label, " "), output));
      return output;
    });
    const where = make("output", {}, "");
    const box = make("div", {});
    into.append(make("figure", {}, make("figcaption", {}, make("strong", {}, title), where, legend), box));
    const bare = { stroke: colours.muted, grid: { stroke: colours.line, width: 1 }, ticks: { show: false } };
    const u = new uPlot({
      width: Math.max(box.clientWidth, 200), height: 260, legend: { show: false }, padding: [8, 12, 0, 0],
      scales: { x: { time: false, ...across.scale }, y: { distr: log ? 3 : 1, range: up.range } },
      series: [{}, ...series.map((one) => ({ stroke: one.line === false ? undefined : one.colour, width: 1.5, dash: one.dash, points: { show: !!one.points, size: 7, stroke: one.colour, fill: one.colour } }))],
      axes: [{ ...bare, size: 26, ...across.axis }, { ...bare, size: LEFT, ...(log ? logarithmic : {}), values: (_, all) => all.map((value) => (value === null ? "" : up.format(value))) }],
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
      hooks: {
        setCursor: [(own) => {
          const index = own.cursor.idx;
          const known = index !== null && index !== undefined;
          where.textContent = known ? format(xs[index]) : "";
          outputs.forEach((output, number) => {
            const value = known ? series[number].values[index] : null;
            output.textContent = value === null ? "" : up.format(value);
          });
        }],
      },
    }, [xs, ...series.map((one) => one.values)], box);
    u.root.setAttribute("role", "img");
    u.root.setAttribute("aria-label", `${title}. ${hint}`);
    u.box = box;
    plots.push(u);
  };

  // The distance to 100% on a log scale.
  const percentiles = () => {
    const into = find("percentiles");
    if (!into) return;
    into.replaceChildren();
    const { shares, steps } = report.curves;
    const shown = steps.slice(0, 8);
    const most = shown.reduce((length, one) => Math.max(length, one.latency_ns.length, one.service_ns.length), 0);
    if (most < 2) return;
    const xs = shares.slice(0, most).map((share) => 1 / (1 - share));
    const fill = (values) => xs.map((_, index) => (index < values.length ? values[index] : null));
    const series = [];
    shown.forEach((one, number) => {
      series.push({ label: one.series, values: fill(one.latency_ns), colour: lined(number) });
      if (shown.length <= 4) series.push({ label: `${one.series}, from the sending`, values: fill(one.service_ns), colour: lined(number), dash: [4, 3] });
    });
    const share = (x) => { const value = 100 - 100 / x; return `${Number(value.toFixed(value > 99 ? 3 : 1))}%`; };
    const splits = (own) => [1, ...(own.width > 500 ? [2] : []), 10, 100, 1000, 10000, 100000].filter((x) => x <= xs[xs.length - 1]);
    const half = (one) => (one.latency_ns.length > 2 ? time(one.latency_ns[2]) : "an unknown time");
    plot(into, {
      title: "Percentiles of the judged windows", xs, series, format: share, up: { format: time }, log: is_wide(series.map((one) => one.values)),
      across: { scale: { distr: 3, log: 10 }, axis: { splits, filter: (_, all) => all, values: (_, all) => all.map(share) } },
      hint: `${shown.map((one) => `${one.series}: half of the requests took about ${half(one)} at most`).join("; ")}. The tables have p50, p95, p99 and max.`,
    });
  };

  const sweeps = () => {
    for (const into of document.querySelectorAll("[data-sweep]")) {
      into.replaceChildren();
      const { levels, law } = report.sweeps[Number(into.dataset.sweep)];
      const curve = law ? law.curve : [];
      const all = [...levels.map(([x, y]) => [x, y, null, null, null]), ...curve.map(([x, y, low, high]) => [x, null, y, low, high])].sort((a, b) => a[0] - b[0]);
      const column = (at) => all.map((row) => row[at]);
      const xs = column(0);
      // A line goes on where another one has a point.
      const whole = (at) => {
        const known = all.filter((row) => row[at] !== null);
        return all.map(([x, ...rest]) => {
          if (rest[at - 1] !== null) return rest[at - 1];
          const after = known.findIndex((row) => row[0] >= x);
          if (after < 1) return null;
          const [a, b] = [known[after - 1], known[after]];
          return a[at] + ((b[at] - a[at]) * (x - a[0])) / (b[0] - a[0] || 1);
        });
      };
      const lines = law ? [
        { label: "fitted law", values: whole(2), colour: colours.c2 },
        { label: "95% from", values: whole(3), colour: colours.c8, dash: [3, 3] },
        { label: "to", values: whole(4), colour: colours.c8, dash: [3, 3] },
      ] : [];
      plot(into, {
        title: "Answers per second by requests in flight", xs, format: (x) => `${digits(x)} in flight`, up: { format: rate, range: (u, a, b) => [0, Math.max(...levels.map((level) => level[1])) * 1.4] }, log: false,
        series: [{ label: "measured", values: column(1), colour: colours.c1, line: false, points: true }, ...lines],
        across: { scale: {}, axis: { values: (_, values) => values.map(digits) } },
        hint: levels.map(([x, y]) => `${digits(x)} in flight: ${rate(y)}`).join("; "),
      });
    }
  };

  // Controls.
  const scaled = (factor) => () => { const [from, to] = zoom; const [middle, half] = [(from + to) / 2, ((to - from) / 2) * factor]; zoom_to(middle - half, middle + half); };
  const moved = (share) => () => { const by = (zoom[1] - zoom[0]) * share; zoom_to(zoom[0] + by, zoom[1] + by); };
  const button = (text, click, label) => make("button", { type: "button", click, "aria-label": label }, text);
  const controls = find("controls");
  controls.append(
    button("Whole run", () => { mark([]); zoom_to(0, end); }),
    button("+", scaled(0.5), "Zoom in"), button("−", scaled(2), "Zoom out"),
    button("←", moved(-0.5), "Earlier"), button("→", moved(0.5), "Later"),
  );
  if (line.loads.length > 1) {
    const select = make("select", { "aria-label": "Load", change: () => { shown = Number(select.value); build(); } });
    line.loads.forEach((load, index) => select.append(make("option", { value: index }, load.load)));
    select.value = String(shown);
    controls.append(make("label", {}, "Load ", select));
  }
  controls.append(make("span", { id: "range" }));
  if (metrics.length) {
    const choices = make("div", { class: "choices" });
    for (const one of metrics) {
      const box = make("input", { type: "checkbox", checked: chosen.has(one.name), change: () => { box.checked ? chosen.add(one.name) : chosen.delete(one.name); build(); } });
      choices.append(make("label", {}, box, one.name));
    }
    find("more").append(make("details", {}, make("summary", {}, `Watched series (${metrics.length})`), choices));
  }

  // The numbers for those who do not see charts.
  const MOST = 120;
  const table = make("details", { toggle: () => {
    if (!table.open) return;
    const load = line.loads[shown];
    const inside = at.map((_, index) => index).filter((index) => at[index] >= zoom[0] && at[index] <= zoom[1]);
    const step = Math.ceil(inside.length / MOST);
    const head = ["time", "succeeded/s", "failed/s", "p50", "p95", "p99", "started/s"];
    const body = make("tbody", {});
    for (const index of inside.filter((_, number) => number % step === 0)) {
      const quantile = (values) => (values[index] === null ? (load.unanswered[index] > 0 ? "no answer" : "–") : time(values[index]));
      const cells = [digits(load.answered[index]), digits(load.failed[index]), quantile(load.p50_ns), quantile(load.p95_ns), quantile(load.p99_ns), digits(load.started[index])];
      body.append(make("tr", {}, make("th", { scope: "row" }, clock(index * line.part_s)), ...cells.map((cell) => make("td", {}, cell))));
    }
    const caption = make("caption", {}, `${load.load}, ${clock(zoom[0])} to ${clock(zoom[1])}${step > 1 ? `, one of ${step} parts` : ""}`);
    const heads = make("thead", {}, make("tr", {}, ...head.map((text) => make("th", { scope: "col" }, text))));
    table.replaceChildren(table.firstChild, make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "The timeline as a table" }, make("table", {}, caption, heads, body)));
  } }, make("summary", {}, "The timeline as a table"));
  if (line.loads.length) find("more").append(table);

  // Arrow keys move the cursor, and + and − zoom.
  let cursor = -1;
  find("charts").addEventListener("keydown", (event) => {
    const [first, last] = [at.findIndex((x) => x >= zoom[0]), at.findLastIndex((x) => x <= zoom[1])];
    const keys = { ArrowLeft: () => cursor - 1, ArrowRight: () => cursor + 1, Home: () => first, End: () => last };
    if (keys[event.key]) {
      cursor = Math.min(Math.max(keys[event.key](), first), last);
      panels.forEach((panel) => panel.setCursor({ left: panel.valToPos(at[cursor], "x"), top: 10 }));
    } else if (event.key === "+" || event.key === "=") scaled(0.5)();
    else if (event.key === "-") scaled(2)();
    else if (event.key === "0" || event.key === "Escape") { mark([]); zoom_to(0, end); }
    else return;
    event.preventDefault();
  });

  // From an expectation to its window.
  document.addEventListener("click", (event) => {
    const link = event.target.closest && event.target.closest("a[data-ranges]");
    if (!link) return;
    const ranges = link.dataset.ranges.split(" ").map((range) => range.split("–").map(Number)).filter(([from, to]) => to > from);
    if (!ranges.length) return;
    // A fragment would take the focus away from the charts.
    event.preventDefault();
    history.pushState(null, "", "#timeline");
    find("timeline").scrollIntoView();
    mark(ranges);
    const [from, to] = [Math.min(...ranges.map((range) => range[0])), Math.max(...ranges.map((range) => range[1]))];
    const room = (to - from) * 0.1;
    zoom_to(Math.max(from - room, 0), Math.min(to + room, end));
    find("charts").focus({ preventScroll: true });
  });

  const resize = () => {
    for (const panel of [...panels, ...plots]) {
      const width = Math.max(panel.box.clientWidth, 200);
      if (width !== panel.width) panel.setSize({ width, height: panel.height });
    }
  };
  new ResizeObserver(resize).observe(find("charts"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", build);
  addEventListener("beforeprint", () => {
    root.classList.add("printing");
    document.querySelectorAll("details").forEach((details) => { if (details !== table) details.open = true; });
    build();
  });
  addEventListener("afterprint", () => { root.classList.remove("printing"); build(); });
  build();
  root.dataset.ready = String(Math.round(performance.now()));
})();
