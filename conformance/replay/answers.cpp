#include "answers.hpp"

#include "../text.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/base/instant.hpp>
#include <bsp/json/parse.hpp>

#include <algorithm>
#include <cstdlib>
#include <set>

namespace bsp::conformance::replay {
namespace {

constexpr std::int64_t tolerable_s = 5;

/// Header fields that the specification speaks of; the others are the carrier's, or differ every time.
bool means_something(std::string_view name) {
    static constexpr char const* names[] = {"Content-Type", "WWW-Authenticate", "Cache-Control", "Location", "Allow", "Access-Control-Allow-Origin"};
    return std::any_of(std::begin(names), std::end(names), [&](char const* one) { return http_headers::same_name(one, name); });
}

/// In place of what depends on the user's other conversations.
constexpr std::string_view of_others = "(of others)";

bool is_mine(json::value const& entry, char const* id_member, std::string const& requests) {
    auto const id = text_at(entry, std::string{"/"} + id_member);
    if (id.empty()) return false;
    // Whole: "c1${suffix}" is not in "c12${suffix}".
    for (std::size_t at = 0; (at = requests.find(id, at)) != std::string::npos; ++at)
        if (at > 0 && std::string_view{"\"/"}.find(requests[at - 1]) != std::string_view::npos) return true;
    return false;
}

/// Leaves out of the user's lists what others put there, and of the page what depends on it.
void keep_mine(json::value& body, std::string const& requests) {
    auto* o = body.if_object();
    if (!o) return;
    for (auto const& [list, id] : {std::pair{"conversations", "conversation_id"}, std::pair{"peers", "backend_id"}})
        if (auto* all = o->if_contains(list); all && all->is_array()) {
            json::array mine;
            for (auto& one : all->get_array())
                if (is_mine(one, id, requests)) mine.push_back(std::move(one));
            // Peers have no order of their own; conversations have.
            if (std::string_view{list} == "peers") std::sort(mine.begin(), mine.end(), [&](auto const& a, auto const& b) { return text_at(a, std::string{"/"} + id) < text_at(b, std::string{"/"} + id); });
            bool const others = mine.size() < all->get_array().size();
            *all = json::value(std::move(mine));
            for (char const* of_page : {"cursor", "last_sync"}) o->erase(of_page);
            if (others && o->contains("has_more")) (*o)["has_more"] = of_others;
        }
    if (o->contains("digest")) o->erase("conversations");  // how many there are is others' doing
}

/// What came back for bare octets: of one answer its body, of more than one their status codes.
std::string without_heads(std::string const& text) {
    constexpr std::string_view start = "HTTP/1.";
    std::string codes;
    std::size_t answers = 0;
    for (std::size_t at = 0; (at = text.find(start, at)) != std::string::npos; at += start.size(), ++answers) codes += text.substr(std::min(at + start.size() + 2, text.size()), 3) + ' ';
    if (answers > 1) return codes;
    auto const end = text.find("\r\n\r\n");
    return end == std::string::npos ? text : text.substr(end + 4);
}

/// Something that a target draws or counts up: long, without blanks, not words alone, and not told it by anybody.
bool is_token(std::string const& text, std::string const& requests) {
    constexpr std::size_t shortest = 8;
    bool const looks_it = text.size() >= shortest && text.find(' ') == std::string::npos && std::any_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    return looks_it && requests.find(text) == std::string::npos;
}

class comparison {
public:
    comparison(std::int64_t moved, std::string const& requests, bool with_pages, std::string& unverified) : moved_{moved}, requests_{requests}, with_pages_{with_pages}, unverified_{unverified} {}

    [[nodiscard]] bool agree(std::string const& recorded, std::string const& now) const {
        if (recorded == now) return true;
        auto const then = parse_timestamp(recorded), present = parse_timestamp(now);
        if (then && present) return requests_.find(recorded) == std::string::npos && std::abs(then->seconds + moved_ - present->seconds) <= tolerable_s;
        return !then && !present && agree_word_by_word(recorded, now);
    }

    /// Tokens may be parts of a text: of a URL, say.
    [[nodiscard]] bool agree_word_by_word(std::string_view recorded, std::string_view now) const {
        auto const in_word = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '-'; };
        auto const word_of = [&](std::string_view text) { return text.substr(0, static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), in_word) - text.begin())); };
        while (!recorded.empty() && !now.empty()) {
            auto const a = word_of(recorded), b = word_of(now);
            if (a != b && !(is_token(std::string{a}, requests_) && is_token(std::string{b}, requests_))) return false;
            recorded.remove_prefix(a.size());
            now.remove_prefix(b.size());
            if (recorded.empty() || now.empty()) break;
            if (recorded.front() != now.front()) return false;
            recorded.remove_prefix(1);
            now.remove_prefix(1);
        }
        return recorded.empty() && now.empty();
    }

    [[nodiscard]] std::optional<std::string> of(json::value const& recorded, json::value const& now, std::string const& where, bool is_problem) const {
        auto const differ = [&](std::string const& then, std::string const& present) { return (where.empty() ? "the body" : where) + ": " + then + ", now " + present; };
        for (auto const* one : {&recorded, &now})
            if (one->is_string() && json::view(one->get_string()) == of_others) return std::nullopt;
        if (recorded.is_string() && now.is_string()) {
            std::string const a{json::view(recorded.get_string())}, b{json::view(now.get_string())};
            if (a != b && a.find("${") == std::string::npos && (where.ends_with("signature") || where.ends_with("digest"))) unverified_ = where;
            return agree(a, b) ? std::nullopt : std::optional{differ(show(recorded, 120), show(now, 120))};
        }
        if (recorded.is_object() && now.is_object()) {
            std::set<std::string> names;
            for (auto const* o : {&recorded.get_object(), &now.get_object()})
                for (auto const& m : *o) names.emplace(json::view(m.key()));
            for (auto const& name : names) {
                if (is_problem && (name == "detail" || name == "title" || name == "instance")) continue;  // prose
                if (name == "has_more" && where.empty() && !with_pages_) continue;
                auto const *a = recorded.get_object().if_contains(name), *b = now.get_object().if_contains(name);
                if (!a || !b) return (where + '/').append(name) + ": " + (a ? show(*a, 120) : "absent") + ", now " + (b ? show(*b, 120) : "absent");
                if (auto d = of(*a, *b, (where + '/').append(name), is_problem)) return d;
            }
            return std::nullopt;
        }
        if (recorded.is_array() && now.is_array()) {
            auto const &a = recorded.get_array(), &b = now.get_array();
            if (a.size() != b.size()) return differ(std::to_string(a.size()) + " elements", std::to_string(b.size()));
            for (std::size_t i = 0; i < a.size(); ++i)
                if (auto d = of(a[i], b[i], (where + '/').append(std::to_string(i)), is_problem)) return d;
            return std::nullopt;
        }
        return same(recorded, now) ? std::nullopt : std::optional{differ(show(recorded, 120), show(now, 120))};
    }

private:
    std::int64_t moved_;
    std::string const& requests_;
    bool with_pages_;
    std::string& unverified_;
};

}  // namespace

void vocabulary::add(std::string text, std::string placeholder) {
    if (text.empty()) return;
    auto const at = std::find_if(words_.begin(), words_.end(), [&](auto const& w) { return w.first.size() <= text.size(); });
    for (auto known = at; known != words_.end() && known->first.size() == text.size(); ++known)
        if (known->first == text) return;
    words_.insert(at, {std::move(text), std::move(placeholder)});
}

std::string vocabulary::abstracted(std::string text) const {
    for (auto const& [word, placeholder] : words_) {
        std::string out;
        std::size_t from = 0;
        for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos;) {
            // Never within what stands for something already.
            auto const open = text.rfind("${", at), closed = text.rfind('}', at);
            if (open != std::string::npos && (closed == std::string::npos || closed < open)) {
                ++at;
                continue;
            }
            out.append(text, from, at - from).append(placeholder);
            from = at += word.size();
        }
        text = out.append(text, from);
    }
    return text;
}

reply abstract_reply(http_response const& r, vocabulary const& words, std::string const& requests) {
    constexpr std::size_t longest = 256 * 1024;
    reply out{.status = r.status};
    for (auto const& [name, value] : r.headers)
        if (means_something(name) && is_utf8(value)) out.headers.add(name, words.abstracted(value));
    auto const body = r.body.starts_with("HTTP/") ? without_heads(r.body) : r.body;
    out.body = words.abstracted(is_utf8(body) ? body : "(octets) " + to_hex(as_bytes(body)));
    if (auto parsed = json::parse(out.body)) {
        keep_mine(*parsed, requests);
        out.body = json::serialize(*parsed);
    }
    if (out.body.size() > longest) {
        out.body.resize(longest);
        while (!is_utf8(out.body)) out.body.pop_back();  // no half character at the cut
    }
    return out;
}

std::optional<std::string> difference(reply const& recorded, reply const& now, std::int64_t moved, std::string const& requests, bool with_pages, std::string& unverified) {
    comparison const c{moved, requests, with_pages, unverified};
    auto const a = json::parse(recorded.body), b = json::parse(now.body);
    if (a && b) {
        if (auto d = c.of(*a, *b, {}, recorded.status >= 400)) return d;
    } else if (recorded.body != now.body) {
        return "the body: " + show(json::value(recorded.body), 120) + ", now " + show(json::value(now.body), 120);
    }
    for (auto const& [name, value] : recorded.headers) {
        auto const* present = now.headers.find(name);
        if (!present) return name + ": " + value + ", now absent";
        if (!c.agree(value, *present)) return name + ": " + value + ", now " + *present;
    }
    for (auto const& [name, value] : now.headers)
        if (!recorded.headers.find(name)) return name + ": absent, now " + value;
    return std::nullopt;
}

}  // namespace bsp::conformance::replay
