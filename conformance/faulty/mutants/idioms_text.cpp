#include "../observed_backend.hpp"
#include "lenient_json.hpp"
#include "lower.hpp"

#include <bsp/crypto/sha256.hpp>

#include <algorithm>
#include <cctype>

/// What languages and their libraries do to text, numbers and names when nobody thinks about it.
namespace bsp::faulty {

namespace {

using base = observed_backend;

bool is_known(std::string_view name) {
    static constexpr std::string_view known[] = {"id",      "role",     "content",         "timestamp", "surface", "source_backend", "version",
                                                 "deleted", "redacted", "conversation_id", "last_modified", "title", "messages", "surfaces"};
    return std::find(std::begin(known), std::end(known), name) != std::end(known);
}

// ---- what is kept and given back ----

/// `Change::put` writes each unknown member anew.
template <class Change>
struct unknown_altered : base {
    using base::base;
    json::object emit_message(message const& m) override { return altered(base::emit_message(m)); }
    json::object emit_scalars(std::string const& id, conversation const& c) override { return altered(base::emit_scalars(id, c)); }

private:
    static json::object altered(json::object const& o) {
        json::object out;
        for (auto const& m : o)
            if (is_known(json::view(m.key()))) out[m.key()] = m.value();
            else Change::put(out, std::string{json::view(m.key())}, m.value());
        return out;
    }
};
/// The same of names at every depth.
template <auto renamed>
struct names_altered {
    static void put(json::object& out, std::string const& name, json::value const& v) {
        std::string const given = renamed(name);
        if (given != "\x01") out[given] = within(v);
    }
    static json::value within(json::value const& v) {
        if (auto const* a = v.if_array()) {
            json::array out;
            for (auto const& e : *a) out.push_back(within(e));
            return out;
        }
        if (!v.is_object()) return v;
        json::object out;
        for (auto const& m : v.get_object()) put(out, std::string{json::view(m.key())}, m.value());
        return out;
    }
};
constexpr char gone[] = "\x01";
std::string small_first_letter(std::string name) {
    if (!name.empty()) name[0] = lower(name)[0];
    return name;
}
std::string snake_case(std::string const& name) {
    std::string out;
    for (std::size_t i = 0; i < name.size(); ++i) {
        bool const is_capital = name[i] >= 'A' && name[i] <= 'Z', follows = i > 0 && name[i - 1] >= 'a' && name[i - 1] <= 'z';
        if (is_capital && follows) out += '_';
        out += is_capital && follows ? static_cast<char>(name[i] + 32) : name[i];
    }
    return out;
}
std::string without_dollar(std::string name) { return name.starts_with('$') ? gone : name; }
std::string without_underscore(std::string name) { return name.starts_with('_') ? gone : name; }
std::string never_empty(std::string name) { return name.empty() ? "_empty_" : name; }
std::string without_columns(std::string name) {
    for (char const* column : {"user_id", "peer_id", "created_at", "updated_at", "received_at", "hash", "seq"})
        if (name == column) return gone;
    return name;
}

/// What a language whose lists and maps are one thing makes of {"0": …, "1": …}.
struct lists_of_digits {
    static void put(json::object& out, std::string const& name, json::value const& v) { out[name] = within(v); }
    static json::value within(json::value const& v) {
        auto const* o = v.if_object();
        if (!o || o->empty()) return v;
        json::array list;
        for (auto const& m : *o) {
            if (json::view(m.key()) != std::to_string(list.size())) return v;
            list.push_back(m.value());
        }
        return list;
    }
};
json::value dates_anew(json::value v) {
    if (auto* a = v.if_array())
        for (auto& e : *a) e = dates_anew(e);
    else if (auto* o = v.if_object())
        for (auto& m : *o) m.value() = dates_anew(m.value());
    else if (auto const* s = v.if_string())
        if (auto const t = parse_timestamp(json::view(*s))) return json::value(format_timestamp(*t));
    return v;
}
struct dates_rewritten {
    static void put(json::object& out, std::string const& name, json::value const& v) { out[name] = dates_anew(v); }
};

/// `change` is done to the members of these names wherever they are given.
template <auto change, char const*... names>
struct text_altered : base {
    using base::base;
    json::object emit_message(message const& m) override { return altered(base::emit_message(m)); }
    json::object emit_scalars(std::string const& id, conversation const& c) override { return altered(base::emit_scalars(id, c)); }

private:
    static json::object altered(json::object o) {
        for (char const* name : {names...})
            if (auto const* text = json::find_string(o, name)) o[name] = change(std::string{json::view(*text)});
        return o;
    }
};
constexpr char content_member[] = "content", title_member[] = "title", role_member[] = "role", surface_member[] = "surface";

std::string one_kind_of_line_end(std::string text) { return replaced(text, "\r\n", "\n"); }
std::string unescaped(std::string text) { return replaced(text, "\\n", "\n"); }
std::string for_a_page(std::string text) { return replaced(replaced(text, "<", "&lt;"), ">", "&gt;"); }
std::string from_a_page(std::string text) { return replaced(text, "&amp;", "&"); }
std::string printable(std::string text) {
    std::erase_if(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' && c != '\r'; });
    return text;
}
std::string three_bytes(std::string const& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i)
        if (static_cast<unsigned char>(text[i]) >= 0xF0) out += '?', i += 3;
        else out += text[i];
    return out;
}
/// The affinity of a column that was declared as something like a number.
std::string as_a_number(std::string text) {
    bool const digits = !text.empty() && text.size() < 16 && text.find_first_not_of("0123456789") == std::string::npos;
    if (digits) return std::to_string(std::stoll(text));
    double value = 0;
    char rest = 0;
    bool const is_number = !text.empty() && std::isdigit(static_cast<unsigned char>(text[0])) && std::sscanf(text.c_str(), "%lf%c", &value, &rest) == 1;
    return is_number ? json::serialize(json::value(value)) : text;
}

// ---- names of members, and truth ----

/// A decoder that finds members without regard to case, the last of them counting.
struct content_in_any_case : base {
    using base::base;
    json::object emit_message(message const& m) override {
        json::object out = base::emit_message(m);
        for (auto const& member : m.received)
            if (json::view(member.key()) != "content" && lower(json::view(member.key())) == "content" && member.value().is_string()) out["content"] = member.value();
        return out;
    }
};
/// The same in every body that is not signed.
struct members_in_any_case : base {
    using base::base;
    result<json::object> parse_object(call const& c) override {
        BSP_TRY(json::object body, base::parse_object(c));
        if (c.segments.empty() || (c.segments[0] != "conversations" && c.segments[0] != "privacy-settings")) return body;
        json::object out = body;
        for (auto const& m : body)
            if (std::string const name = lower(json::view(m.key())); name != json::view(m.key())) out[name] = m.value();
        return out;
    }
};
struct version_0_left_out : base {
    using base::base;
    json::object emit_message(message const& m) override { return without(base::emit_message(m)); }
    json::object emit_scalars(std::string const& id, conversation const& c) override { return without(base::emit_scalars(id, c)); }

private:
    static json::object without(json::object o) {
        if (o.at("version") == json::value(0)) o.erase("version");
        return o;
    }
};
struct empty_content_left_out : base {
    using base::base;
    json::object emit_message(message const& m) override {
        json::object out = base::emit_message(m);
        if (!m.deleted && out.at("content") == json::value("")) out.erase("content");
        return out;
    }
};
struct empty_lists_are_null : base {
    using base::base;
    json::object list_entry(std::string const& id, conversation const& c) override { return nulled(base::list_entry(id, c)); }
    json::object pull_entry(std::string const& id, conversation const& c) override { return nulled(base::pull_entry(id, c)); }

private:
    static json::object nulled(json::object o) {
        for (char const* name : {"surfaces", "messages"})
            if (auto* v = o.if_contains(name); v && v->is_array() && v->get_array().empty()) *v = nullptr;
        return o;
    }
};
/// empty("0") is true.
struct zero_is_no_title : base {
    using base::base;
    json::object scalars_to_write(std::string const& id, conversation const& held, json::object const& body) override {
        json::object seen = body;
        if (auto const* title = json::find_string(seen, "title"); title && *title == "0") seen.erase("title");
        return base::scalars_to_write(id, held, seen);
    }
};
struct zero_is_no_content : base {
    using base::base;
    result<std::string> text_of(json::fields const& f, std::string_view name) override {
        BSP_TRY(std::string text, base::text_of(f, name));
        if (text == "0") return f.invalid(name, "is required");
        return text;
    }
};

// ---- the digest of a tie ----

template <auto spelled>
struct tie_over : base {
    using base::base;
    result<sha256_digest> message_digest(json::object const& received) override {
        BSP_TRY(std::string const text, canonical(received));
        return sha256(spelled(text));
    }
};
std::string with_html_escapes(std::string text) { return replaced(replaced(replaced(text, "<", "\\u003c"), ">", "\\u003e"), "&", "\\u0026"); }
std::string with_e_acute(std::string const& text) {
    std::string out;  // not in place: a text may be a megabyte of them
    for (std::size_t i = 0; i < text.size(); ++i)
        if (text.compare(i, 6, "\\u00e9") == 0) out += "\xC3\xA9", i += 5;
        else out += text[i];
    return out;
}
std::string with_capitals(std::string text) {
    for (std::size_t at = 0; (at = text.find("\\u", at)) != std::string::npos; at += 6)
        for (std::size_t i = at + 2; i < at + 6 && i < text.size(); ++i) text[i] = static_cast<char>(std::toupper(text[i]));
    return text;
}
std::string with_bare_delete(std::string text) { return replaced(text, "\\u007f", "\x7F"); }

// ---- identifiers ----

/// `^…$` of a language in which `$` stands before a line end, too.
struct line_end_passes : base {
    using base::base;
    bool is_identifier(std::string_view text) override { return base::is_identifier(text.ends_with('\n') ? text.substr(0, text.size() - 1) : text); }
};
/// `\w` of a language in which é is a letter.
struct letters_of_all_scripts : base {
    using base::base;
    bool is_identifier(std::string_view text) override {
        std::string plain{text};
        for (char& c : plain)
            if (static_cast<unsigned char>(c) >= 0x80) c = 'x';
        return base::is_identifier(plain);
    }
};
struct mac_with_line_end : base {
    using base::base;
    bool is_mac_form(std::string_view signature) override { return base::is_mac_form(stripped(signature)); }
    result<> check_mac(token const& t) override {
        token seen = t;
        if (auto const* s = json::find_string(t.received, "signature")) seen.received["signature"] = stripped(json::view(*s));
        return base::check_mac(seen);
    }

private:
    static std::string_view stripped(std::string_view s) { return s.ends_with('\n') ? s.substr(0, s.size() - 1) : s; }
};
bool is_of_every_object(std::string_view name) { return name == "constructor" || name == "toString" || name == "hasOwnProperty" || name == "__proto__" || name == "valueOf"; }
/// `if (seen[id])` where `seen` is an object.
struct sync_ids_of_an_object : base {
    using base::base;
    receipt const* recall(std::pair<std::string, std::string> const& key) override { return is_of_every_object(key.second) ? &never_ : base::recall(key); }

private:
    receipt never_{};
};
struct jtis_of_an_object : base {
    using base::base;
    result<> claim_jti(call const& c, std::string const& issuer, assertion const& a) override {
        if (is_of_every_object(a.jti)) return fail(errc::stale_request, "the assertion was used before");
        return base::claim_jti(c, issuer, a);
    }
};

// ---- instants ----

template <std::int64_t second>
struct that_second_is_none : base {
    using base::base;
    result<instant> timestamp(std::string_view text) override {
        BSP_TRY(instant const t, base::timestamp(text));
        if (t == instant{second}) return fail(errc::invalid_body, "a time is required");
        return t;
    }
};
struct since_is_unsigned : base {
    using base::base;
    result<instant> since_of(call const& c) override {
        BSP_TRY(instant const since, base::since_of(c));
        return c.parameter("since") && since.seconds < 0 ? instant{4'000'000'000'000} : since;
    }
};

}  // namespace

std::vector<fault> idioms_text_faults() {
    return {
        tried(4, false, {"F-SYN-600", "Content stands for content", {"syn/odd-texts"}, make<content_in_any_case>}),
        tried(4, false, {"F-SYN-601", "members of writes and settings are found without case", {"cnv/odd-texts", "prv/setting-names"}, make<members_in_any_case>}),
        tried(4, true, {"F-SYN-602", "empty lists of a conversation are null", {"syn/pull-answer"}, make<empty_lists_are_null>}),
        tried(4, true, {"F-SYN-603", "a version 0 is left out", {"syn/version-range"}, make<version_0_left_out>}),
        tried(4, true, {"F-SYN-604", "an empty content is left out", {"syn/empty-content"}, make<empty_content_left_out>}),
        tried(4, false, {"F-SYN-605", "the digest of a tie has escapes for <, > and &", {"mrg/tie-odd-texts"}, make<tie_over<with_html_escapes>>}),
        tried(4, false, {"F-SYN-606", "the digest of a tie has letters of Latin as they are", {"mrg/tie-odd-texts"}, make<tie_over<with_e_acute>>}),
        tried(4, false, {"F-SYN-607", "the digest of a tie has escapes in capitals", {"mrg/tie-odd-texts"}, make<tie_over<with_capitals>>}),
        tried(4, false, {"F-SYN-608", "the digest of a tie has U+007F as it is", {"mrg/tie-odd-texts"}, make<tie_over<with_bare_delete>>}),
        tried(4, false, {"F-SYN-609", "a sync_id that every object has counts as used", {"syn/names-of-objects"}, make<sync_ids_of_an_object>}),
        tried(4, false, {"F-SYN-610", "a jti that every object has counts as used", {"syn/names-of-objects"}, make<jtis_of_an_object>}),
        tried(4, false, {"F-SYN-611", "unknown objects with the names 0, 1 … come back as lists", {"syn/odd-texts"}, make<unknown_altered<lists_of_digits>>}),
        tried(4, false, {"F-SYN-612", "times in unknown members are spelled anew", {"syn/odd-texts"}, make<unknown_altered<dates_rewritten>>}),
        tried(4, true, {"F-SYN-613", "names of unknown members begin with a small letter", {"syn/unknown-members-kept"}, make<unknown_altered<names_altered<small_first_letter>>>}),
        tried(4, true, {"F-SYN-614", "names of unknown members lose their capitals to underscores", {"syn/unknown-members-kept"}, make<unknown_altered<names_altered<snake_case>>>}),
        tried(4, true, {"F-SYN-615", "unknown members that begin with $ are dropped", {"syn/unknown-members-kept"}, make<unknown_altered<names_altered<without_dollar>>>}),
        tried(4, true, {"F-SYN-616", "unknown members that begin with _ are dropped", {"syn/unknown-members-kept"}, make<unknown_altered<names_altered<without_underscore>>>}),
        tried(4, true, {"F-SYN-617", "an unknown member with the empty name gets another", {"syn/unknown-members-kept"}, make<unknown_altered<names_altered<never_empty>>>}),
        tried(4, true, {"F-SYN-618", "unknown members named like columns are dropped", {"syn/unknown-members-kept"}, make<unknown_altered<names_altered<without_columns>>>}),
        tried(4, true, {"F-SYN-619", "line ends of content become line feeds", {"syn/content-verbatim"}, make<text_altered<one_kind_of_line_end, content_member>>}),
        tried(4, true, {"F-SYN-620", "\\n in content becomes a line feed", {"syn/content-verbatim"}, make<text_altered<unescaped, content_member>>}),
        tried(4, true, {"F-SYN-621", "control characters of content are dropped", {"syn/content-verbatim"}, make<text_altered<printable, content_member>>}),
        tried(4, true, {"F-SYN-622", "content is escaped for a page", {"syn/content-verbatim"}, make<text_altered<for_a_page, content_member>>}),
        tried(4, true, {"F-SYN-623", "&amp; in content becomes &", {"syn/content-verbatim"}, make<text_altered<from_a_page, content_member>>}),
        tried(4, false, {"F-SYN-624", "titles are escaped for a page", {"syn/odd-texts"}, make<text_altered<for_a_page, title_member>>}),
        tried(4, true, {"F-SYN-625", "titles, roles and surfaces have no character of four bytes", {"syn/content-verbatim"}, make<text_altered<three_bytes, title_member, role_member, surface_member>>}),
        tried(4, true, {"F-SYN-626", "content that looks like a number is spelled anew", {"syn/content-verbatim"}, make<text_altered<as_a_number, content_member>>}),
        tried(4, false, {"F-SYN-627", "a title that looks like a number is spelled anew", {"syn/odd-texts"}, make<text_altered<as_a_number, title_member>>}),
        tried(4, true, {"F-SYN-628", "the title 0 of a write counts as none", {"cnv/title"}, make<zero_is_no_title>}),
        tried(4, true, {"F-SYN-629", "the text 0 counts as missing", {"syn/content-verbatim"}, make<zero_is_no_content>}),
        tried(4, true, {"F-GEN-600", "a line end after an identifier is passed over", {"gen/path-identifiers"}, make<line_end_passes>}),
        tried(4, true, {"F-GEN-601", "identifiers may have letters of all scripts", {"gen/identifiers-refused"}, make<letters_of_all_scripts>}),
        tried(4, true, {"F-REG-600", "a line end after the signature of a token is passed over", {"sbt/signature-form"}, make<mac_with_line_end>}),
        tried(4, true, {"F-GEN-602", "the first second of 1970 is no time", {"syn/since-spellings"}, make<that_second_is_none<0>>}),
        tried(4, false, {"F-GEN-603", "the first second of year 1 is no time", {"syn/since-long-ago"}, make<that_second_is_none<-62'135'596'800>>}),
        tried(4, false, {"F-GEN-604", "a since before 1970 lies far ahead", {"syn/since-long-ago"}, make<since_is_unsigned>}),
    };
}

}  // namespace bsp::faulty
