#include "sqlite_content.hpp"

#include "content_codec.hpp"
#include "sqlite.hpp"
#include "sqlite_schema.hpp"

#include <bsp/crypto/random.hpp>
#include <bsp/crypto/wipe.hpp>

#include <sqlite3.h>

#include <array>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace bsp::server {
namespace {

constexpr std::size_t batch = 500;  ///< values of one transaction

/// A table with content: what a row's place is made of (user, conversation, id), and how a row is changed.
struct content_table {
    char const* column;  ///< as `content_place` has it
    char const* select;  ///< row key (one or more columns at the end), in the order: content, digest or NULL, user, conversation, id
    char const* update;  ///< ?1 content, ?2 digest; ?3 … ?5 user, conversation, id; ?6 the row number, where there is one
};

/// Every column of content there is. A new one has a line here.
constexpr std::array tables{
    content_table{"conversation.scalars_body", "SELECT scalars_body, scalars_digest, user_id, conversation_id, '', 0 FROM conversation",
                  "UPDATE conversation SET scalars_body = ?1, scalars_digest = ?2 WHERE user_id = ?3 AND conversation_id = ?4 AND ?5 = '' AND ?6 = 0"},
    content_table{"message.body", "SELECT body, digest, message.user_id, conversation_id, id, message.number FROM message CROSS JOIN conversation ON conversation.number = message.conversation",
                  "UPDATE message SET body = ?1, digest = ?2 WHERE user_id = ?3 AND conversation = (SELECT number FROM conversation WHERE user_id = ?3 AND conversation_id = ?4) AND id = ?5 AND number = ?6"},
    content_table{"loser.body", "SELECT body, digest, user_id, conversation_id, id, number FROM loser",
                  "UPDATE loser SET body = ?1, digest = ?2 WHERE user_id = ?3 AND conversation_id = ?4 AND id = ?5 AND number = ?6"},
    content_table{"receipt.acknowledgement", "SELECT acknowledgement, conversations_sha256, user_id, peer_id, sync_id, 0 FROM receipt",
                  "UPDATE receipt SET acknowledgement = ?1, conversations_sha256 = ?2 WHERE user_id = ?3 AND peer_id = ?4 AND sync_id = ?5 AND ?6 = 0"},
    content_table{"event.body", "SELECT body, NULL, user_id, '', event_id, number FROM event",
                  "UPDATE event SET body = ?1 WHERE ?2 IS NULL AND user_id = ?3 AND ?4 = '' AND event_id = ?5 AND number = ?6"},
    content_table{"sync_event.body", "SELECT body, NULL, peer_id, '', event_id, number FROM sync_event",
                  "UPDATE sync_event SET body = ?1 WHERE ?2 IS NULL AND peer_id = ?3 AND ?4 = '' AND event_id = ?5 AND number = ?6"},
    content_table{"privacy_settings.body", "SELECT body, NULL, user_id, '', '', 0 FROM privacy_settings",
                  "UPDATE privacy_settings SET body = ?1 WHERE ?2 IS NULL AND user_id = ?3 AND ?4 = '' AND ?5 = '' AND ?6 = 0"},
};

std::string label_of(std::string const& use) { return "bsp content key\n" + use; }

struct key_row {
    std::string use;
    std::string sealed;
    std::string sealed_under;
    bool is_done = false;
};

/// The latest first.
std::vector<key_row> key_rows(sqlite::connection& db) {
    std::vector<key_row> all;
    auto rows = db.prepare("SELECT use, sealed, sealed_under, is_done FROM content_key ORDER BY number DESC");
    while (rows.step()) all.push_back({rows.text(0), rows.content(1).bytes, rows.text(2), rows.boolean(3)});
    return all;
}

sealing_key opened(std::string const& path, key_row const& row, sealing_key const& under) {
    if (row.sealed_under != under.id()) throw std::runtime_error{path + ": the content was sealed with the key " + row.sealed_under + ", and the one at hand is " + under.id()};
    auto text = unseal(under, as_bytes(row.sealed), label_of(row.use));
    if (!text || text->size() != sealing_key::size) throw std::runtime_error{path + ": the key of the content has been damaged or exchanged"};
    wipe_on_exit const guard{*text};
    return sealing_key{std::span<std::uint8_t const, sealing_key::size>{as_bytes(*text).data(), sealing_key::size}};
}

void add_key(sqlite::connection& db, std::string const& use, sealing_key const& under, bool is_done) {
    std::string fresh(sealing_key::size, '\0');
    wipe_on_exit const guard{fresh};
    random_bytes({reinterpret_cast<std::uint8_t*>(fresh.data()), fresh.size()});
    bytes const sealed = seal(under, fresh, label_of(use));
    auto const row = content_to_keep::sealed({sealed.begin(), sealed.end()});
    std::string const id = under.id();
    db.prepare("INSERT INTO content_key (use, sealed, sealed_under, is_done) VALUES (?1, ?2, ?3, ?4)").bind(use, row, id, is_done).run();
}

std::shared_ptr<content_cipher const> cipher_of(sqlite::connection& db, std::string const& path, sealing_key const& under) {
    std::vector<sealing_key> keys;
    std::optional<sealing_key> digests;
    for (auto const& row : key_rows(db)) {
        if (row.use == "digest") digests = opened(path, row, under);
        else keys.push_back(opened(path, row, under));
    }
    if (keys.empty() || !digests) throw std::runtime_error{path + " has lost a key of its content"};
    return std::make_shared<content_cipher const>(std::move(keys), *std::move(digests));
}

/// Runs `f` with the file for itself: no server goes on with keys that are not in use any more.
template <class F>
auto alone(std::string const& path, F&& f) {
    try {
        sqlite::connection db{path, sqlite::access::read_write};
        db.execute("PRAGMA busy_timeout = 0");
        db.execute("PRAGMA locking_mode = EXCLUSIVE");
        db.execute("PRAGMA synchronous = FULL");
        db.execute("PRAGMA secure_delete = ON");
        db.execute("BEGIN EXCLUSIVE; COMMIT");
        return f(db);
    } catch (sqlite::failure const& why) {
        if ((why.code & 0xFF) == SQLITE_BUSY) throw std::runtime_error{path + " is in use; stop the server first"};
        throw std::runtime_error{path + ": " + why.what()};
    }
}

/// One value, sealed under the key in use; nothing when it is so already.
std::optional<digested_content_to_keep> sealed_anew(content_cipher const& cipher, content_codec const& codec, sqlite::statement const& row, content_place const& place) {
    kept_content kept = row.content(0);
    if (kept.is_sealed && cipher.is_current(kept.bytes)) return std::nullopt;
    if (row.is_null(1)) return digested_content_to_keep{codec.put(kept.is_sealed ? codec.get(std::move(kept), place) : kept.bytes, place), {}};
    if (!kept.is_sealed) return codec.put(kept.bytes, row.digest(1), place);
    digested_content const opened = codec.get({std::move(kept), row.digest(1)}, place);
    return codec.put(opened.text, opened.digest, place);
}

/// Rows keep their keys, so that each is met once while those before it are changed.
std::size_t seal_table(sqlite::connection& db, content_table const& table, std::shared_ptr<content_cipher const> const& cipher) {
    content_codec const codec{cipher};
    std::size_t sealed = 0;
    db.execute("BEGIN IMMEDIATE");
    {
        auto rows = db.prepare(table.select);
        while (rows.step()) {
            std::string const user = rows.text(2), conversation = rows.text(3), id = rows.text(4);
            auto const anew = sealed_anew(*cipher, codec, rows, {table.column, user, conversation, id});
            if (!anew) continue;
            auto update = db.prepare(table.update);
            if (rows.is_null(1)) update.bind(anew->content, std::nullopt, user, conversation, id, rows.integer(5));
            else update.bind(anew->content, anew->digest, user, conversation, id, rows.integer(5));
            update.run();
            if (++sealed % batch == 0) db.execute("COMMIT; BEGIN IMMEDIATE");
        }
    }
    db.execute("COMMIT");
    return sealed;
}

}  // namespace

bool content_is_sealed(std::string const& path) {
    sqlite::connection db{path, sqlite::access::read_only};
    return db.query_integer("SELECT count(*) FROM content_key") > 0;
}

bool content_sealing_is_under_way(std::string const& path) {
    sqlite::connection db{path, sqlite::access::read_only};
    return db.query_integer("SELECT count(*) FROM content_key WHERE is_done = 0") > 0;
}

bool content_is_partly_plain(std::string const& path) {
    sqlite::connection db{path, sqlite::access::read_only};
    return db.query_integer("SELECT count(*) = 1 AND sum(is_done) = 0 FROM content_key WHERE use = 'content'") != 0;
}

std::shared_ptr<content_cipher const> open_content_cipher(std::string const& path, operator_key const& key) {
    sqlite::connection db{path, sqlite::access::read_only};
    return cipher_of(db, path, key());
}

std::size_t seal_content(std::string const& path, operator_key const& key) {
    sealing_key const under = key();
    return alone(path, [&](sqlite::connection& db) {
        if (db.query_integer("SELECT count(*) FROM content_key WHERE is_done = 0") == 0) {
            bool const first = db.query_integer("SELECT count(*) FROM content_key") == 0;
            if (!first) (void)cipher_of(db, path, under);  // a key that does not open what there is must not seal what comes
            db.execute("BEGIN IMMEDIATE");
            if (first) add_key(db, "digest", under, true);
            add_key(db, "content", under, false);
            db.execute("COMMIT");
        }
        auto const cipher = cipher_of(db, path, under);
        std::size_t sealed = 0;
        for (auto const& table : tables) sealed += seal_table(db, table, cipher);
        db.execute("BEGIN IMMEDIATE; DELETE FROM content_key WHERE use = 'content' AND number < (SELECT max(number) FROM content_key); UPDATE content_key SET is_done = 1; COMMIT");
        // Nothing of before stays in the log, nor on pages that are not in use any more.
        if (db.query_integer("PRAGMA wal_checkpoint(TRUNCATE)") != 0) throw std::runtime_error{path + ": the log could not be emptied"};
        return sealed;
    });
}

}  // namespace bsp::server
