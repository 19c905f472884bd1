#pragma once

#include <bsp/base/error.hpp>
#include <bsp/json/value.hpp>

#include <string>

namespace bsp::wire {

/// A refusal as a problem document (RFC 9457; BSP-GEN-086 … BSP-GEN-089):
///
///     {"type": "https://bsp.dev/errors/sbt-expired", "title": "…", "status": 401, "detail": "…", "code": "sbt-expired"}
inline std::string encode(error const& e) {
    auto const& row = row_of(e.code);
    std::string const code{row.code};
    json::object o{{"type", "https://bsp.dev/errors/" + code}, {"title", row.title}, {"status", row.status}, {"detail", e.detail}, {"code", code}};
    if (e.code == errc::unsupported_version) o["supported"] = json::array{"1.0"};  // BSP-GEN-066
    return json::serialize(o);
}

}  // namespace bsp::wire
