#include "merge.hpp"

#include <bsp/base/instant.hpp>
#include <bsp/crypto/sha256.hpp>
#include <bsp/json/c14n.hpp>

#include <algorithm>
#include <tuple>

namespace bsp::conformance::model {

namespace {

instant when(json::object const& o, std::string_view member) { return parse_timestamp(text_at(o, "/" + std::string{member})).value(); }

/// The four lines by which messages, and scalar writes, are compared.
auto rank(json::object const& o, std::string_view time) {
    return std::tuple{integer_at(o, "/version"), when(o, time), !is_true(o, "redacted"), sha256(octets(o))};
}

std::vector<std::string> strings_at(json::object const& o, std::string_view member) {
    std::vector<std::string> out;
    if (auto const* list = o.if_contains(member); list && list->is_array())
        for (auto const& one : list->get_array())
            if (one.is_string()) out.emplace_back(json::view(one.get_string()));
    return out;
}

}  // namespace

bool is_true(json::object const& o, std::string_view flag) {
    auto const* value = o.if_contains(flag);
    return value && value->is_bool() && value->get_bool();
}

bool less(json::object const& a, json::object const& b) { return rank(a, "timestamp") < rank(b, "timestamp"); }

bool is_message(json::object const& m) {
    return !text_at(m, "/id").empty() && integer_at(m, "/version") >= 0 && parse_timestamp(text_at(m, "/timestamp")) && bsp::json::canonicalize(m);
}

std::string octets(json::value const& v) { return bsp::json::canonicalize(v).value(); }

// ---- messages -----------------------------------------------------------------------------------------------

void messages::join(json::object const& message) {
    auto const [held, is_new] = by_id_.try_emplace(text_at(message, "/id"), message);
    if (!is_new && less(held->second, message)) held->second = message;
}

json::object const* messages::find(std::string const& id) const {
    auto const held = by_id_.find(id);
    return held == by_id_.end() ? nullptr : &held->second;
}

std::vector<json::object> messages::live() const {
    std::vector<json::object> out;
    for (auto const& [id, message] : by_id_)
        if (!is_true(message, "deleted")) out.push_back(message);
    std::stable_sort(out.begin(), out.end(), [](auto const& a, auto const& b) { return when(a, "timestamp") < when(b, "timestamp"); });
    return out;
}

std::int64_t messages::greatest_version() const {
    std::int64_t out = 0;
    for (auto const& [id, message] : by_id_) out = std::max(out, integer_at(message, "/version"));
    return out;
}

// ---- conversations ------------------------------------------------------------------------------------------

void conversation::join(json::object const& entry) {
    for (auto const& message : objects_at(entry, "/messages")) join_local(message);
    for (auto& surface : strings_at(entry, "surfaces")) {
        listed_.insert(surface);
        allowed_.insert(std::move(surface));
    }
    join_scalars(entry, false);
}

void conversation::join_local(json::object const& message) {
    messages_.join(message);
    allowed_.insert(text_at(message, "/surface"));
}

void conversation::write_local(json::object const& shown) { join_scalars(shown, true); }

void conversation::join_scalars(json::object const& entry, bool local) {
    json::object write = entry;
    write.erase("messages");
    write.erase("surfaces");

    auto const modified = text_at(write, "/last_modified");
    auto const place = [](std::string const& text) { return std::pair{parse_timestamp(text).value(), text}; };
    if (!exists() || place(last_modified_).first < place(modified).first) spellings_.clear();
    if (!exists() || place(last_modified_).first <= place(modified).first) spellings_.insert(modified);
    if (!exists() || place(last_modified_) < place(modified)) last_modified_ = modified;
    version_ = std::max(version_, integer_at(write, "/version"));
    if (exists() && !(rank(winner_, "last_modified") < rank(write, "last_modified"))) return;
    winner_ = std::move(write);
    winner_is_local_ = local;
}

std::int64_t conversation::next_version() const { return std::max(version_, messages_.greatest_version()) + 1; }

json::object conversation::emitted() const {
    auto out = winner_;
    if (!exists()) return out;
    out["version"] = version_;
    out["last_modified"] = last_modified_;
    return out;
}

json::object conversation::emitted_as(json::value const& shown) const {
    auto out = emitted();
    if (auto const spelling = text_at(shown, "/last_modified"); spellings_.contains(spelling)) out["last_modified"] = spelling;
    return out;
}

bool conversation::ties_with_local(json::object const& entry) const {
    return exists() && winner_is_local_ && integer_at(winner_, "/version") == integer_at(entry, "/version") && when(winner_, "last_modified") == when(entry, "last_modified");
}

std::set<std::string> conversation::surfaces_due() const {
    auto out = listed_;
    for (auto const& message : messages_.live()) out.insert(text_at(message, "/surface"));
    return out;
}

}  // namespace bsp::conformance::model
