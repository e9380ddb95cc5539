#include "services/feedback/open_data.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "libs/base/civil.h"
#include "services/feedback/board_view.h"

namespace dinh::feedback {
namespace {

constexpr std::array kColumns = {"number", "id",  "category", "category_name", "state", "unit",        "agency",
                                 "day",    "lat", "lng",      "joined",        "stars", "changed_day", "description"};

std::string NameOf(const CategoryTree& categories, const std::string& id) {
  const Category* category = categories.Find(id);
  return category == nullptr ? id : category->name.vi;
}

std::string Degrees(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.6f", value);
  return text.data();
}

// In the order of kColumns.
std::array<std::string, kColumns.size()> Cells(const CategoryTree& categories, const BoardRow& row) {
  return {std::to_string(row.number),
          row.code,
          row.category,
          NameOf(categories, row.category),
          std::string(StateName(row.state)),
          row.unit,
          row.agency,
          base::FormatDate(base::CivilFromDays(row.day)),
          row.point ? Degrees(row.point->lat) : "",
          row.point ? Degrees(row.point->lon) : "",
          std::to_string(row.joined),
          row.stars > 0 ? std::to_string(row.stars) : "",
          DayText(row.changed_at),
          row.text};
}

std::string CsvCell(const std::string& text) {
  std::string cell;
  // What a spreadsheet would run.
  if (!text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos) cell = "'";
  cell += text;
  if (cell.find_first_of(",\"\r\n") == std::string::npos) return cell;
  std::string quoted = "\"";
  for (const char c : cell) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::string Xml(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        // XML 1.0 has no other control characters.
        if (static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t') out += c;
    }
  }
  return out;
}

// RFC 3339, in Vietnam's time.
std::string Instant(base::Micros at) {
  const base::CivilTime t = base::ToVietnam(at);
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%sT%02d:%02d:%02d+07:00", base::FormatDate(t.date).c_str(), t.hour, t.minute,
                t.second);
  return text.data();
}

}  // namespace

std::string AtomFeed(const CategoryTree& categories, const std::vector<BoardRow>& rows, std::string_view category,
                     std::string_view unit) {
  base::Micros updated = 0;
  for (const BoardRow& row : rows) updated = std::max(updated, row.changed_at);
  std::string out = R"(<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:georss="http://www.georss.org/georss" xml:lang="vi">
<id>urn:dinh:feedback:)" +
                    Xml(unit) + ":" + Xml(category) + "</id>\n<title>Phản ánh, kiến nghị</title>\n<updated>" +
                    Instant(updated) + "</updated>\n<author><name>Đình</name></author>\n";
  for (const BoardRow& row : rows) {
    out += "<entry><id>urn:dinh:report:" + Xml(row.code) + "</id><title>" + Xml(NameOf(categories, row.category)) +
           " – " + Xml(StateNameVi(row.state)) + "</title><published>" + Instant(row.shown_at) +
           "</published><updated>" + Instant(row.changed_at) + "</updated><link href=\"/v1/reports/" + Xml(row.code) +
           "\"/><category term=\"" + Xml(row.category) + "\"/><content type=\"text\">" + Xml(row.text) + "</content>";
    if (row.point)
      out += "<georss:point>" + Degrees(row.point->lat) + " " + Degrees(row.point->lon) + "</georss:point>";
    out += "</entry>\n";
  }
  return out + "</feed>\n";
}

std::string ExportCsv(const CategoryTree& categories, const std::vector<BoardRow>& rows) {
  std::string out;
  for (const char* column : kColumns) out += (out.empty() ? "" : ",") + std::string(column);
  out += "\r\n";
  for (const BoardRow& row : rows) {
    std::string line;
    for (const std::string& cell : Cells(categories, row)) line += (line.empty() ? "" : ",") + CsvCell(cell);
    out += line + "\r\n";
  }
  return out;
}

std::string ExportJson(const CategoryTree& categories, const std::vector<BoardRow>& rows) {
  nlohmann::json list = nlohmann::json::array();
  for (const BoardRow& row : rows) {
    const auto cells = Cells(categories, row);
    nlohmann::json one = nlohmann::json::object();
    for (size_t i = 0; i < kColumns.size(); ++i) one[kColumns[i]] = cells[i];
    list.push_back(std::move(one));
  }
  return list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace dinh::feedback
