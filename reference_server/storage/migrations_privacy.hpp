#pragma once

namespace bsp::server::migrations {

/// What users allow, as the JSON text of privacy/settings.hpp; who has no row has the defaults.
inline constexpr char const* privacy_settings_step = R"sql(
CREATE TABLE privacy_settings (user_id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
)sql";

}  // namespace bsp::server::migrations
