#pragma once

#include "sqlite_views.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <spdlog/spdlog.h>

namespace bsp::server {

/// Runs `f`; a failure of SQLite becomes `unavailable`, the reason goes to the log, and the transaction is lost.
template <class F>
auto guarded(sqlite_session& session, F&& f) -> decltype(f()) {
    try {
        return f();
    } catch (std::exception const& why) {
        session.failed = true;
        spdlog::error("storage failed: {}", why.what());
        return fail(errc::unavailable, "storage is not available");
    }
}

/// Lists of texts are kept as JSON arrays.
inline std::string to_json_array(std::vector<std::string> const& texts) {
    boost::json::array list;
    for (auto const& text : texts) list.emplace_back(text);
    return boost::json::serialize(list);
}

inline std::vector<std::string> from_json_array(std::string const& text) {
    boost::json::value const list = boost::json::parse(text);
    std::vector<std::string> texts;
    for (auto const& item : list.as_array()) texts.emplace_back(item.as_string().data(), item.as_string().size());
    return texts;
}

}  // namespace bsp::server
