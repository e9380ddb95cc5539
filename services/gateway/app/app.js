"use strict";
// The public pages that QR codes lead to: a procedure (/procedures/{code}), a dossier's state (/track/{token}), and a
// search. No login, no personal data, nothing kept on the device.
(() => {
  const main = document.getElementById("main");

  const make = (tag, attributes, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
    for (const child of children) element.append(child);
    return element;
  };
  const show = (...children) => main.replaceChildren(...children);
  const list = (items) => make("ul", {}, ...items.map((item) => make("li", {}, item)));
  const section = (title, content) => content ? [make("h2", {}, title), content] : [];

  const get = async (path) => {
    const answer = await fetch(path, {headers: {Accept: "application/json"}});
    const body = await answer.json();
    if (!answer.ok) throw new Error(body.detail || body.title);
    return body;
  };
  const date = (text) => text ? text.split("-").reverse().join("/") : "";
  const time = (text) => text ? new Date(text).toLocaleString("vi-VN", {timeZone: "Asia/Ho_Chi_Minh"}) : "";

  const limitText = (limit) => {
    if (limit.same_day) return "Trong ngày; tiếp nhận sau 15 giờ thì ngày làm việc tiếp theo";
    if (limit.working_days) return limit.working_days + " ngày làm việc";
    if (limit.calendar_days) return limit.calendar_days + " ngày";
    return "Theo quy định của từng trường hợp";
  };

  const procedurePage = async (code) => {
    const procedure = await get("/v1/procedures/" + encodeURIComponent(code));
    document.title = procedure.name + " · Đình";
    show(
        make("h1", {}, procedure.name),
        make("p", {class: "code"}, "Mã thủ tục " + procedure.code + " · " + (procedure.field || "")),
        ...section("Cơ quan thực hiện", make("p", {}, procedure.executor || "")),
        ...section("Thời hạn", list((procedure.time_limits || []).map(limitText))),
        ...section("Phí, lệ phí", procedure.fees && procedure.fees.length ? list(procedure.fees.map((fee) => fee.text)) : make("p", {}, procedure.fee_note || "Không thu")),
        ...section("Giấy tờ cần có", list(procedure.papers || [])),
        ...section("Căn cứ pháp lý", make("p", {class: "note"}, (procedure.legal_basis || []).join(", "))),
        ...section("Mã QR của thủ tục", make("img", {src: "/v1/procedures/" + encodeURIComponent(code) + "/qr", alt: "Mã QR mở trang này"})));
  };

  const trackPage = async (token) => {
    const dossier = await get("/v1/track/" + encodeURIComponent(token));
    document.title = "Hồ sơ " + dossier.code + " · Đình";
    const rows = [["Thủ tục", dossier.procedure_name], ["Cơ quan", dossier.agency_name], ["Tiếp nhận", time(dossier.accept_time)],
      ["Hẹn trả", date(dossier.due_date)], ["Lệ phí", dossier.payment_due ? "Chưa nộp" : ""]];
    const facts = make("dl");
    for (const [name, value] of rows) if (value) facts.append(make("dt", {}, name), make("dd", {}, value));
    show(
        make("h1", {}, "Hồ sơ " + dossier.code),
        make("p", {}, make("span", {class: "state" + (dossier.overdue ? " late" : "")}, dossier.state_name + (dossier.overdue ? " (quá hạn)" : ""))),
        facts,
        ...section("Quá trình", make("ol", {}, ...(dossier.timeline || []).map((entry) =>
          make("li", {}, entry.action + " ", make("span", {class: "note"}, time(entry.time)))))));
  };

  const searchPage = async () => {
    const input = make("input", {type: "search", placeholder: "Tìm thủ tục: ban sao trich luc …", "aria-label": "Tìm thủ tục"});
    const results = make("ul", {class: "results"});
    const search = async () => {
      const found = await get("/v1/procedures?page_size=30&query=" + encodeURIComponent(input.value.trim()));
      results.replaceChildren(...(found.procedures || []).map((procedure) => make("li", {},
        make("a", {href: "/procedures/" + procedure.code}, procedure.name, " ", make("span", {class: "code"}, procedure.code)))));
      if (!found.procedures) results.replaceChildren(make("li", {}, "Không thấy thủ tục nào. Hãy thử từ khác."));
    };
    const form = make("form", {role: "search"}, input, make("button", {}, "Tìm"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      search().catch(fail);
    });
    show(make("h1", {}, "Thủ tục hành chính"), form, results);
    await search();
  };

  const fail = (error) => show(make("h1", {}, "Chưa mở được trang này"), make("p", {}, error.message || "Mất kết nối."),
    make("p", {}, make("a", {href: "/"}, "Tìm thủ tục")));

  const parts = location.pathname.split("/").filter(Boolean).map(decodeURIComponent);
  const page = parts[0] === "procedures" && parts[1] ? procedurePage(parts[1])
    : parts[0] === "track" && parts[1] ? trackPage(parts[1]) : searchPage();
  page.catch(fail);
})();
