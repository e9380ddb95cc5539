// An answer of GeoReport v2 as a small tree, and its two written forms. The specification maps XML to JSON by the
// "Spark convention": the root's name is left out, lists become arrays, an empty element is null.
//
//   <services><service><service_code>a</service_code><keywords/></service></services>
//   [{"service_code":"a","keywords":null}]
//
// Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dinh::gateway::open311 {

struct Node {
  enum class Kind { kText, kLiteral, kObject, kList };

  std::string_view name;  // the element; JSON has names in objects only
  Kind kind = Kind::kText;
  std::string text;            // kText: "" is null. kLiteral: a number or true or false, written as it is
  std::vector<Node> children;  // kObject: different names. kList: all the same one

  Node& Add(Node child) {
    children.push_back(std::move(child));
    return children.back();
  }
};

// Names are constants: nodes keep views of them.
Node Text(std::string_view name, std::string_view text);
Node Number(std::string_view name, double value);
Node Integer(std::string_view name, int64_t value);
Node Bool(std::string_view name, bool value);
Node Object(std::string_view name, std::vector<Node> members = {});
Node List(std::string_view name);

std::string ToJson(const Node& root);
// With the declaration. Characters that XML 1.0 cannot hold, escaped or not, are left out.
std::string ToXml(const Node& root);

}  // namespace dinh::gateway::open311
