#include "shape.hpp"

#include "../json.hpp"

#include <bsp/base/identifier.hpp>
#include <bsp/base/utf8.hpp>

#include <chrono>

namespace bsp::conformance::fuzz {
namespace {

constexpr std::int64_t greatest = 9'007'199'254'740'991;

/// Reads one object member by member; what it finds goes into one expectation.
class reader {
public:
    reader(json::object const& o, std::string where, expectation& e) : in_{o}, where_{std::move(where)}, told_{e} {}

    /// The member, when it has to be judged further.
    json::value const* member(char const* name, bool required) {
        auto const* v = in_.if_contains(name);
        if (!v && required) refuse(name, "is missing");
        return v;
    }
    json::string const* text(char const* name, bool required) {
        auto const* v = member(name, required);
        if (v && !v->is_string()) refuse(name, "is no string");
        return v ? v->if_string() : nullptr;
    }
    json::array const* array(char const* name, bool required) {
        auto const* v = member(name, required);
        if (v && !v->is_array()) refuse(name, "is no array");
        return v ? v->if_array() : nullptr;
    }
    json::object const* object(char const* name, bool required) {
        auto const* v = member(name, required);
        if (v && !v->is_object()) refuse(name, "is no object");
        return v ? v->if_object() : nullptr;
    }
    void identifier(char const* name, bool required) {
        if (auto const* s = text(name, required); s && !is_identifier(json::view(*s))) refuse(name, "is no identifier");
    }
    void label(char const* name, bool required) {
        if (auto const* s = text(name, required)) label_text(name, *s);
    }
    void label_text(char const* name, json::string const& s) {
        std::size_t characters = 0;
        auto const utf8 = json::view(s);
        for (std::size_t at = 0; at < utf8.size(); ++characters) {
            auto const c = decode_utf8(utf8, at);
            if (!c) return refuse(name, "is not UTF-8");
            if (*c < 0x20 || (*c >= 0x7F && *c <= 0x9F)) open(name, "has a control character");
        }
        if (characters < 1 || characters > 128) refuse(name, "does not have 1 to 128 characters");
    }
    void content(char const* name) {
        if (auto const* s = text(name, true); s && s->size() > (1u << 20)) refuse(name, "is longer than 1 MiB");
    }
    void version(char const* name) {
        auto const* v = member(name, true);
        if (v && (!(v->is_int64() || v->is_uint64()) || integer_at(*v, "", -1) < 0 || integer_at(*v, "", -1) > greatest)) refuse(name, "is no integer from 0 to 2^53-1");
    }
    void flag(char const* name) {
        auto const* v = member(name, false);
        if (v && !v->is_bool()) refuse(name, "is no boolean");
        else if (v && v->get_bool()) open(name, "is true");
    }
    /// The instant, if it is one that nobody may refuse for its grammar.
    std::optional<instant> timestamp(char const* name, bool required) {
        auto const* s = text(name, required);
        if (!s) return std::nullopt;
        auto const utf8 = json::view(*s);
        auto const read = parse_timestamp(utf8);
        if (!read) {
            // Year 0 and 9999 with an offset, and odd leap seconds, are left to the server; so is what begins like a timestamp.
            if (utf8.starts_with("0000") || utf8.starts_with("9999") || utf8.find(":60") != std::string_view::npos) open(name, "lies at the edge of the calendar");
            else if (parse_timestamp(std::string{utf8.substr(0, 10)} + "T00:00:00Z") && utf8.size() > 10) open(name, "is nearly a timestamp");
            else refuse(name, "is no timestamp");
            return std::nullopt;
        }
        if (utf8.starts_with("0000") || utf8.starts_with("9999") || utf8.find(":60") != std::string_view::npos) open(name, "lies at the edge of the calendar");
        return *read;
    }

    void refuse(char const* name, char const* why) { told_.at_least(demand::refused, where_ + '/' + name + ' ' + why); }
    void open(char const* name, char const* why) { told_.at_least(demand::open, where_ + '/' + name + ' ' + why); }

private:
    json::object const& in_;
    std::string where_;
    expectation& told_;
};

/// What holds for every value within a body. `is_signed`: of numbers, too.
void judge_values(json::value const& v, bool is_signed, std::size_t depth, expectation& e) {
    if (depth > 32) e.at_least(demand::open, "it is nested deeper than 32 levels");
    auto const text = [&](std::string_view s) {
        for (std::size_t at = 0; at < s.size();) {
            auto const c = decode_utf8(s, at);
            if (!c) return e.at_least(demand::refused, "it is not UTF-8");
            // RFC 7493 forbids noncharacters, and not every store keeps a NUL.
            if (*c == 0 || (*c & 0xFFFE) == 0xFFFE || (*c >= 0xFDD0 && *c <= 0xFDEF)) e.at_least(demand::open, "it has a NUL or a noncharacter");
        }
    };
    auto const number_is_plain = [&] {
        if (v.is_double()) return false;
        if (v.is_uint64()) return v.get_uint64() <= std::uint64_t{greatest};
        return !v.is_int64() || (v.get_int64() <= greatest && v.get_int64() >= -greatest);
    };
    if (!number_is_plain()) e.at_least(is_signed ? demand::refused : demand::open, "a number is no integer within 2^53-1");
    if (auto const* s = v.if_string()) text(json::view(*s));
    if (auto const* a = v.if_array())
        for (auto const& one : *a) judge_values(one, is_signed, depth + 1, e);
    if (auto const* o = v.if_object())
        for (auto const& m : *o) text(json::view(m.key())), judge_values(m.value(), is_signed, depth + 1, e);
}

void judge_message(json::value const& v, std::string const& where, instant now, expectation& e) {
    auto const* o = v.if_object();
    if (!o) return e.at_least(demand::refused, where + " is no object");
    reader r{*o, where, e};
    r.identifier("id", true);
    for (auto const* name : {"role", "surface", "source_backend"}) r.label(name, true);
    r.content("content");
    r.version("version");
    r.flag("deleted");
    r.flag("redacted");
    if (auto const at = r.timestamp("timestamp", true)) {
        if (*at > now + std::chrono::hours{25}) r.refuse("timestamp", "lies more than 24 hours ahead");
        else if (*at > now + std::chrono::hours{23}) r.open("timestamp", "lies about 24 hours ahead");
    }
}

void judge_conversation(json::value const& v, std::string const& where, instant now, expectation& e) {
    auto const* o = v.if_object();
    if (!o) return e.at_least(demand::refused, where + " is no object");
    reader r{*o, where, e};
    r.identifier("conversation_id", true);
    r.version("version");
    r.label("source_backend", true);
    r.text("title", false);
    r.flag("deleted");
    r.flag("redacted");
    if (auto const at = r.timestamp("last_modified", true); at && *at > now + std::chrono::hours{23}) r.open("last_modified", "lies ahead");
    if (auto const* all = r.array("surfaces", true)) {
        for (auto const& one : *all)
            if (auto const* s = one.if_string()) r.label_text("surfaces", *s);
            else r.refuse("surfaces", "has an element that is no string");
        if (all->size() > 100) r.open("surfaces", "is long");
    }
    if (auto const* all = r.array("messages", true)) {
        for (std::size_t i = 0; i < all->size(); ++i) judge_message((*all)[i], where + "/messages/" + std::to_string(i), now, e);
        if (all->size() > 1000) r.open("messages", "has more than 1000 elements");
    }
}

/// What holds for a body that has to be an object; `judge(object, reader, expectation)` sees its members.
template <class Judge>
expectation judge_body(json::value const& v, bool is_signed, std::size_t depth, Judge judge) {
    expectation e;
    if (auto const* o = v.if_object()) {
        reader r{*o, "", e};
        judge(*o, r, e);
        judge_values(v, is_signed, depth, e);
    } else {
        e.at_least(demand::refused, "it is no object");
    }
    return e;
}

}  // namespace

expectation judge_payload(json::value const& v, push_facts const& facts) {
    return judge_body(v, true, 1, [&](json::object const& o, reader& r, expectation& e) {
        r.identifier("sync_id", true);
        if (auto const at = r.timestamp("timestamp", true)) {
            auto const apart = [&](int seconds) { return *at > facts.now + std::chrono::seconds{seconds} || facts.now > *at + std::chrono::seconds{seconds}; };
            if (apart(330)) r.refuse("timestamp", "is more than 300 seconds off");
            else if (apart(270)) r.open("timestamp", "is about 300 seconds off");
        }
        auto const names = [&](char const* member, std::string const& expected) {
            if (auto const* s = r.text(member, false); s && json::view(*s) != expected) r.refuse(member, "names another");
        };
        names("peer_id", facts.peer_id);
        names("source_backend_id", facts.backend_id);
        names("target_backend_id", facts.target_backend_id);
        if (o.contains("typ")) r.refuse("typ", "is present");
        if (auto const* all = r.array("conversations", true)) {
            for (std::size_t i = 0; i < all->size(); ++i) judge_conversation((*all)[i], "/conversations/" + std::to_string(i), facts.now, e);
            if (all->size() > 500) r.open("conversations", "has more than 500 elements");
        }
    });
}

expectation judge_registration(json::value const& v, json::object const& valid) {
    return judge_body(v, false, 1, [&](json::object const& o, reader& r, expectation& e) {
        json::value const was = valid;
        // A text that is another than it was is mostly for others to judge; its type and its grammar are not.
        auto const unchanged = [&](json::object const& in, std::string const& pointer, char const* name) {
            auto const *now = in.if_contains(name), *before = conformance::at(was, pointer + '/' + name);
            return (!now && !before) || (now && before && same(*now, *before));
        };
        if (auto const* who = r.object("backend_identity", true)) {
            std::string const where = "/backend_identity";
            reader i{*who, where, e};
            for (auto const* name : {"backend_id", "backend_type", "public_key"}) {
                auto const* s = i.text(name, true);
                if (s && !unchanged(*who, where, name)) i.open(name, "is another");
            }
            if (auto const* id = i.text("backend_id", true); id && !is_backend_id(json::view(*id))) i.refuse("backend_id", "is not 1 to 128 visible characters");
            if (auto const* type = i.text("backend_type", true); type && !is_backend_type(json::view(*type))) i.refuse("backend_type", "is neither local nor hosted");
            if (auto const* pem = i.text("public_key", true); pem && json::view(*pem).find("-----BEGIN PUBLIC KEY-----") == std::string_view::npos) i.refuse("public_key", "is no key");
            if (auto const* version = i.text("version", true); version && json::view(*version) != "1.0") {
                if (json::view(*version).find_first_not_of("0123456789.") != std::string_view::npos || version->empty()) i.refuse("version", "is not MAJOR.MINOR");
                else i.open("version", "is another");
            }
            i.timestamp("created_at", false);
            if (auto const* all = i.array("capabilities", false)) {
                for (auto const& one : *all)
                    if (!one.is_string()) i.refuse("capabilities", "has an element that is no string");
                if (!unchanged(*who, where, "capabilities")) i.open("capabilities", "are others");
            }
        }
        if (auto const* sbt = r.object("sbt", true)) {
            std::string const where = "/sbt";
            reader t{*sbt, where, e};
            t.identifier("session_id", true);
            t.identifier("sbt_id", false);
            for (auto const* name : {"local_backend_id", "hosted_backend_id", "user_id", "signature"}) {
                t.text(name, true);
                if (!unchanged(*sbt, where, name) && std::string_view{name} != "signature") t.open(name, "is another");
            }
            if (auto const* user = t.text("user_id", true); user && !is_user_id(json::view(*user))) t.refuse("user_id", "is no user id");
            for (auto const* name : {"created_at", "expires_at"}) {
                t.timestamp(name, true);
                if (!unchanged(*sbt, where, name)) t.open(name, "is another");
            }
            for (auto const* name : {"local_key_sha256", "hosted_key_sha256"}) {
                t.text(name, false);
                if (!unchanged(*sbt, where, name)) t.open(name, "is another");
            }
            judge_values(*sbt, true, 2, e);
        }
        if (auto const* challenge = r.text("challenge", false)) {
            auto const text = json::view(*challenge);
            bool const in_alphabet = text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == std::string_view::npos;
            if (text.size() != 43 || !in_alphabet) r.refuse("challenge", "is not the base64url of 32 bytes");
            else if (!unchanged(o, "", "challenge")) r.open("challenge", "is another");
        }
        if (r.object("endpoints", false) && !unchanged(o, "", "endpoints")) r.open("endpoints", "are others");
    });
}

expectation judge_write(json::value const& v, instant now) {
    // A push that carries it on nests it four levels deeper (BSP-CNV-071).
    return judge_body(v, false, 5, [&](json::object const& o, reader& r, expectation&) {
        for (auto const* name : {"role", "surface"}) r.label(name, true);
        r.content("content");
        r.identifier("id", false);
        r.text("title", false);
        if (auto const at = r.timestamp("timestamp", false); at && *at > now) r.open("timestamp", "lies ahead");
        for (auto const* name : {"version", "source_backend", "deleted", "redacted"})
            if (o.contains(name)) r.open(name, "is not the writer's to set");
    });
}

}  // namespace bsp::conformance::fuzz
