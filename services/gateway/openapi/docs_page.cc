#include "services/gateway/openapi/openapi.h"

namespace dinh::gateway {

std::string_view DocsHtml() {
  return R"html(<!doctype html>
<html lang="vi">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Đình: API</title>
<link rel="stylesheet" href="/docs/docs.css">
<script src="/docs/docs.js" defer></script>
</head>
<body>
<header><h1>Đình: API</h1><input id="filter" type="search" placeholder="Lọc: dossiers, GET, QR …" aria-label="Lọc"></header>
<p>Tài liệu máy đọc: <a href="/openapi.json">/openapi.json</a> (OpenAPI 3.1).</p>
<main id="operations">Đang tải …</main>
</body>
</html>
)html";
}

std::string_view DocsStyle() {
  return R"css(body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem;color:#1c1c1c;background:#fff}
header{display:flex;gap:1rem;align-items:center;flex-wrap:wrap;position:sticky;top:0;background:#fff;padding:.5rem 0}
h1{font-size:1.4rem;margin:0}
input{flex:1;min-width:12rem;padding:.5rem;font:inherit;border:1px solid #888;border-radius:.3rem}
h2{font-size:1.1rem;border-bottom:1px solid #ccc;margin:1.5rem 0 .5rem}
details{border:1px solid #ddd;border-radius:.3rem;margin:.3rem 0;padding:.3rem .6rem}
summary{cursor:pointer;overflow-wrap:anywhere}
code,pre{font:14px/1.4 ui-monospace,monospace}
pre{overflow:auto;background:#f5f5f5;padding:.5rem}
.verb{display:inline-block;min-width:4rem;font-weight:700}
.get{color:#0a5}.post{color:#05c}.patch,.put{color:#a60}.delete{color:#c22}
.what{color:#555}
table{border-collapse:collapse}td,th{text-align:left;padding:.1rem .8rem .1rem 0;vertical-align:top}
)css";
}

std::string_view DocsScript() {
  return R"js("use strict";
(async () => {
  const main = document.getElementById("operations");
  const make = (tag, text, className) => {
    const element = document.createElement(tag);
    if (text) element.textContent = text;
    if (className) element.className = className;
    return element;
  };
  let doc;
  try {
    doc = await (await fetch("/openapi.json")).json();
  } catch (error) {
    main.textContent = "Không tải được /openapi.json.";
    return;
  }
  const resolve = (schema) => schema && schema.$ref ? doc.components.schemas[schema.$ref.split("/").pop()] : schema;
  const kind = (schema) => {
    if (!schema) return "";
    if (schema.$ref) return schema.$ref.split(".").pop();
    if (schema.type === "array") return kind(schema.items) + "[]";
    return [].concat(schema.type || "any").join("|") + (schema.format ? " " + schema.format : "");
  };
  const fields = (schema) => {
    const table = make("table");
    const object = resolve(schema) || {};
    for (const [name, field] of Object.entries(object.properties || {})) {
      const row = make("tr");
      const must = (object.required || []).includes(name) ? " *" : "";
      row.append(make("td", name + must), make("td", kind(field)), make("td", field.description || "", "what"));
      table.append(row);
    }
    return table;
  };
  const groups = new Map();
  for (const [path, verbs] of Object.entries(doc.paths)) {
    for (const [verb, operation] of Object.entries(verbs)) {
      const tag = operation.tags[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push({path, verb, operation});
    }
  }
  main.textContent = "";
  for (const [tag, operations] of groups) {
    const section = make("section");
    section.append(make("h2", tag));
    for (const {path, verb, operation} of operations) {
      const details = make("details");
      const summary = make("summary");
      summary.append(make("span", verb.toUpperCase(), "verb " + verb), make("code", path), make("span", " " + (operation.summary || ""), "what"));
      details.append(summary, make("p", operation.description || ""));
      if (operation.parameters) {
        const table = make("table");
        for (const parameter of operation.parameters) {
          const row = make("tr");
          row.append(make("td", parameter.name), make("td", parameter.in), make("td", kind(parameter.schema)), make("td", parameter.description || (parameter.schema || {}).description || "", "what"));
          table.append(row);
        }
        details.append(make("h3", "Tham số"), table);
      }
      const body = operation.requestBody && Object.values(operation.requestBody.content)[0];
      if (body) details.append(make("h3", "Nội dung gửi"), fields(body.schema));
      const ok = operation.responses["200"] && operation.responses["200"].content;
      if (ok) details.append(make("h3", "Trả lời 200"), fields(Object.values(ok)[0].schema));
      details.dataset.text = (verb + " " + path + " " + (operation.description || "") + " " + tag).toLowerCase();
      section.append(details);
    }
    main.append(section);
  }
  document.getElementById("filter").addEventListener("input", (event) => {
    const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const details of main.querySelectorAll("details")) {
      details.hidden = !words.every((word) => details.dataset.text.includes(word));
    }
    for (const section of main.querySelectorAll("section")) section.hidden = !section.querySelector("details:not([hidden])");
  });
})();
)js";
}

}  // namespace dinh::gateway
