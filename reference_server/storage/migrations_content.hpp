#pragma once

namespace bsp::server::migrations {

/// The keys of content at rest, themselves sealed under the operator's key (keys/key_store.hpp). A file without a row keeps its
/// content as it is. The row of the greatest number is in use; one of a smaller number is there while values are sealed anew.
/// The key of digests stays.
inline constexpr char const* content_key_step = R"sql(
CREATE TABLE content_key (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    use    TEXT NOT NULL,                        -- 'content' or 'digest'
    sealed BLOB NOT NULL,
    sealed_under TEXT NOT NULL,                  -- id of the operator's key
    is_done INTEGER NOT NULL                     -- 0 while values of before are left that it has not sealed
);
)sql";

}  // namespace bsp::server::migrations
