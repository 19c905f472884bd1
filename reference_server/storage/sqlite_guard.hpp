#pragma once

#include "columns.hpp"
#include "sqlite_views.hpp"

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

}  // namespace bsp::server
