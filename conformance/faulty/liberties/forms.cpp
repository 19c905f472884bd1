#include "../liberties.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/base/utf8.hpp>
#include <bsp/json/parse.hpp>

#include <cstdio>
#include <utility>

/// Liberties in the form of answers, in limits, and in what is made of spellings.
namespace bsp::faulty {

namespace {

/// Answers have a member that no table names. A stored message has all its members from whoever wrote it (BSP-CNV-003), so it gets none.
template <class Base>
struct further_members : Base {
    using Base::Base;

protected:
    http_response json_answer(int status, json::value const& body) override {
        if (!body.is_object() || body.get_object().contains("content")) return Base::json_answer(status, body);
        json::object more = body.get_object();
        more["x_server_note"] = json::object{{"took_ms", 1.5}, {"node", nullptr}};
        return Base::json_answer(status, more);
    }
};

/// Members come in another order.
template <class Base>
struct members_backwards : Base {
    using Base::Base;

protected:
    http_response json_answer(int status, json::value const& body) override { return Base::json_answer(status, turned(body)); }

private:
    static json::value turned(json::value const& v) {
        if (auto const* list = v.if_array()) {
            json::array out;
            for (auto const& e : *list) out.push_back(turned(e));
            return out;
        }
        auto const* o = v.if_object();
        if (!o) return v;
        json::object out;
        for (auto m = o->end(); m != o->begin();) --m, out[m->key()] = turned(m->value());
        return out;
    }
};


bool is_json(http_response const& r) {
    auto const* type = r.headers.find("Content-Type");
    return type && type->find("json") != std::string::npos && !r.body.empty();
}

std::string escaped(std::string_view text) {
    std::string out = "\"";
    char unit[16];
    auto const put = [&](unsigned u) { std::snprintf(unit, sizeof unit, "\\u%04X", u), out += unit; };
    for (std::size_t at = 0; at < text.size();) {
        char const c = text[at];
        if ((c >= 'a' && c <= 'z' && c != 'e') || (c >= '0' && c <= '9')) {
            out += c, ++at;
        } else if (c == '/') {
            out += "\\/", ++at;
        } else {
            auto const point = static_cast<unsigned>(*decode_utf8(text, at));
            if (point < 0x10000) put(point);
            else put(0xD800 + ((point - 0x10000) >> 10)), put(0xDC00 + ((point - 0x10000) & 0x3FF));
        }
    }
    return out + '"';
}

/// The same value with white space wherever it may be, and most characters escaped.
std::string respelled(json::value const& v) {
    std::string out;
    char const* between = "\n";
    if (auto const* list = v.if_array()) {
        for (auto const& e : *list) out += std::exchange(between, " ,\r\n\t") + respelled(e);
        return "[ " + out + "\t]";
    }
    if (auto const* o = v.if_object()) {
        for (auto const& m : *o) out += std::exchange(between, "\t,\n  ") + escaped({m.key().data(), m.key().size()}) + " :\t" + respelled(m.value());
        return "{" + out + "\n}";
    }
    return v.is_string() ? escaped(json::view(v.get_string())) : json::serialize(v);
}

template <class Base>
struct spells_json_otherwise : Base {
    using Base::Base;

protected:
    void finish(call const& c, http_response& r) override {
        Base::finish(c, r);
        if (is_json(r)) r.body = "\n" + respelled(json::parse(r.body).value()) + "\r\n";
    }
};

/// Types of media, names of schemes and directives are compared without regard to case.
template <class Base>
struct fields_of_other_form : Base {
    using Base::Base;

protected:
    void finish(call const& c, http_response& r) override {
        Base::finish(c, r);
        auto const* type = r.headers.find("Content-Type");
        if (type && *type == "application/json") r.headers.set("Content-Type", "Application/JSON;charset=UTF-8");
        else if (type && *type == "application/problem+json") r.headers.set("Content-Type", "application/Problem+JSON; charset=\"utf-8\"");
        if (auto const* caching = r.headers.find("Cache-Control")) r.headers.set("Cache-Control", *caching == "no-cache" ? "max-age=0, No-Cache" : "private, No-Store, max-age=0");
        if (r.headers.find("WWW-Authenticate")) r.headers.set("WWW-Authenticate", "BSP-User realm=\"pairing, or not\", BSP, Bearer realm=\"administration\"");
        if (auto const* vary = r.headers.find("Vary")) r.headers.set("Vary", "Accept-Encoding, " + (*vary == "Origin" ? "origin" : *vary));
    }
};

template <class Base>
struct fields_in_parts : Base {
    using Base::Base;

protected:
    void finish(call const& c, http_response& r) override {
        Base::finish(c, r);
        http_headers all{{"Server", "backend/3.1 (linux) lib/2"}, {"X-Request-Id", random_hex(8)}, {"Strict-Transport-Security", "max-age=63072000"}, {"X-Content-Type-Options", "nosniff"},
                         {"Via", "1.1 edge"}, {"ETag", "W/\"" + random_hex(4) + "\""}, {"Cache-Control", "private"}, {"Vary", "Accept-Encoding"}, {"Set-Cookie", "lb=7; Path=/; HttpOnly"}, {"X-Empty", ""}};
        if (r.headers.find("WWW-Authenticate")) all.add("WWW-Authenticate", "Bearer");
        for (auto const& [name, value] : r.headers) all.add(name, value);
        r.headers = all;
    }
};

template <class Base>
struct no_date : Base {
    using Base::Base;

protected:
    void finish(call const& c, http_response& r) override {
        Base::finish(c, r);
        http_headers kept;
        for (auto const& [name, value] : r.headers)
            if (name != "Date") kept.add(name, value);
        r.headers = kept;
    }
};

template <class Base>
struct words_of_its_own : Base {
    using Base::Base;

protected:
    json::object problem_document(error const& e) override {
        auto out = Base::problem_document(e);
        auto const wire = row_of(e.code).code;
        out["title"] = "Fehler \u201e" + std::string{wire} + "\u201c";
        out["detail"] = "\u00dcberpr\u00fcfen Sie bitte die Anfrage. \U0001F642";
        out["instance"] = "urn:uuid:" + random_hex(16);
        out["trace_id"] = random_hex(16);
        out["errors"] = json::array{json::object{{"loc", json::array{"body", 0}}, {"kind", wire}}};
        out["retryable"] = false;
        out["documentation"] = nullptr;
        return out;
    }
};

/// Registries of errors are followed by those who can: BSP-GEN-088 and BSP-GEN-089 are advice.
template <class Base>
struct types_of_its_own : Base {
    using Base::Base;

protected:
    json::object problem_document(error const& e) override {
        auto out = Base::problem_document(e);
        out["type"] = type_of(row_of(e.code).code);
        return out;
    }
    json::value error_entry(std::string const& code, instant at) override {
        auto out = Base::error_entry(code, at);
        out.as_object()["type"] = type_of(code);
        return out;
    }

private:
    static std::string type_of(std::string_view code) { return "https://backend.example/problems#" + std::string{code}; }
};

/// What cannot be read and what is wrong in it are one kind of mistake to many a framework.
template <int Status>
struct one_status_for_bodies {
    template <class Base>
    struct step : Base {
        using Base::Base;

    protected:
        json::object problem_document(error const& e) override {
            auto out = Base::problem_document(e);
            if (is_of_body(e.code)) out["status"] = Status;
            return out;
        }
        http_response problem(error const& e, call const& c) override {
            auto r = Base::problem(e, c);
            if (is_of_body(e.code)) r.status = Status;
            return r;
        }

    private:
        static bool is_of_body(errc code) { return code == errc::malformed_body || code == errc::invalid_body || code == errc::not_canonicalizable; }
    };
};
template <class Base>
struct only_400 : one_status_for_bodies<400>::step<Base> {
    using one_status_for_bodies<400>::step<Base>::step;
};
template <class Base>
struct only_422 : one_status_for_bodies<422>::step<Base> {
    using one_status_for_bodies<422>::step<Base>::step;
};

template <class Base>
struct hides_methods : Base {
    using Base::Base;

protected:
    typename Base::answer method_not_allowed(call const& c) override { return this->not_found(c); }
};

template <class Base>
struct talkative_health : Base {
    using Base::Base;

protected:
    typename Base::answer serve_health(call const&) override {
        return this->json_answer(200, json::object{{"status", "healthy"}, {"message", "all is well"}, {"version", "1.0"}, {"uptime_seconds", 12.25}, {"checks", json::array{json::object{{"name", "store"}, {"ok", true}}}}});
    }
};

/// The least that a server must take.
template <class Base>
struct takes_the_least : Base {
    using Base::Base;

protected:
    std::size_t body_bytes_max() override { return 10u << 20; }
    result<json::value> parse_body(std::string_view text) override {
        BSP_TRY(json::value v, Base::parse_body(text));
        if (json::depth(v) > 32) return fail(errc::payload_too_large, "the body is nested too deeply");
        return v;
    }
    result<> check_counts(json::array const& conversations) override {
        if (conversations.size() > 500) return fail(errc::payload_too_large, "/conversations must not have more than 500 elements");
        return ok();
    }
    result<> check_message_count(json::fields const& f) override {
        BSP_TRY(json::elements const messages, f.required_array("messages"));
        if (messages.size() > 1'000) return fail(errc::payload_too_large, "/messages must not have more than 1000 elements");
        return ok();
    }
    result<json::object> parse_object(call const& c) override {
        if (c.request.target.size() > 2'048) return fail(errc::uri_too_long, "the target is too long");
        return Base::parse_object(c);
    }
};

template <class Base>
struct takes_much : Base {
    using Base::Base;

protected:
    std::size_t body_bytes_max() override { return 100u << 20; }
    result<> check_counts(json::array const&) override { return ok(); }
    result<> check_message_count(json::fields const& f) override {
        BSP_CHECK(f.required_array("messages"));
        return ok();
    }
};

/// What BSP-GEN-024, BSP-GEN-114 and BSP-GEN-115 let a server refuse.
template <class Base>
struct picky : Base {
    using Base::Base;

protected:
    result<instant> timestamp(std::string_view text) override {
        BSP_TRY(instant const t, Base::timestamp(text));
        if (text.size() >= 19 && text.substr(17, 2) == "60" && (t.seconds % 86'400 + 86'400) % 86'400 != 0) return fail(errc::invalid_body, "no leap second is there");
        if (t < instant{-62'135'596'800} || t >= instant{253'402'300'800}) return fail(errc::invalid_body, "beyond the years 0001 to 9999");
        return t;
    }
    result<json::value> parse_body(std::string_view text) override {
        if (text.starts_with("\xEF\xBB\xBF")) return fail(errc::malformed_body, "a byte order mark");
        return Base::parse_body(text);
    }
};

/// What BSP-GEN-024 and BSP-GEN-044 let a server accept.
template <class Base>
struct generous : Base {
    using Base::Base;

protected:
    result<json::value> parse_body(std::string_view text) override {
        if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
        return Base::parse_body(text);
    }
    std::optional<bytes> decode_signature(std::string_view text) override {
        if (auto exact = Base::decode_signature(text)) return exact;
        if (text.size() < 4 || text.size() % 4 != 0 || !text.ends_with('=')) return std::nullopt;
        static constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        std::string mended{text};
        bool const two = text.ends_with("==");
        char& last = mended[text.size() - (two ? 3 : 2)];
        auto const place = digits.find(last);
        if (place == digits.npos) return std::nullopt;
        last = digits[place & (two ? ~std::size_t{15} : ~std::size_t{3})];
        return Base::decode_signature(mended);
    }
};

template <class Base>
struct clock_ahead : Base {
    explicit clock_ahead(settings s) : Base{std::move(s)} { this->advance(std::chrono::seconds{137}); }
};
template <class Base>
struct clock_slightly_behind : Base {
    explicit clock_slightly_behind(settings s) : Base{std::move(s)} { this->advance(std::chrono::milliseconds{-1'600}); }

protected:
    /// A grace that is none is over by the notice's own times (BSP-ROT-036).
    void take_key(peer_record& peer, rsa_public_key const& next, rotation_notice const& n, instant until) override { Base::take_key(peer, next, n, n.grace_ends <= n.rotated ? instant{} : until); }
};

// ---- web pages ----

template <class Base>
struct open_identity : Base {
    using Base::Base;

protected:
    void tell_origin(call const& c, http_response& r) override {
        bool const is_open = c.request.method == "GET" && c.segments.size() == 1 && (c.segments[0] == "identity" || c.segments[0] == "health");
        if (is_open && this->config().backend_type == "hosted") r.headers.set("Access-Control-Allow-Origin", "*");
        else Base::tell_origin(c, r);
    }
};

template <class Base>
struct preflights_like_a_middleware : Base {
    using Base::Base;

protected:
    typename Base::answer preflight(call const& c) override {
        auto const* origin = c.request.headers.find("Origin");
        if (!origin || !this->is_listed(*origin)) return http_response{403, {{"Content-Type", "application/problem+json"}}, json::serialize(this->problem_document(fail(errc::forbidden, "this origin is not listed")))};
        auto const* wanted = c.request.headers.find("Access-Control-Request-Headers");
        return http_response{200, {{"Content-Type", "text/plain"}, {"Access-Control-Allow-Methods", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"}, {"Access-Control-Allow-Headers", wanted ? *wanted : ""},
                                   {"Access-Control-Max-Age", "600"}, {"Access-Control-Allow-Credentials", "true"}, {"Access-Control-Allow-Private-Network", "true"}}, "OK"};
    }
    void tell_origin(call const& c, http_response& r) override {
        Base::tell_origin(c, r);
        if (r.headers.find("Access-Control-Allow-Origin")) r.headers.set("Access-Control-Expose-Headers", "Date, Retry-After"), r.headers.set("Vary", "Origin, Access-Control-Request-Method");
    }
};

template <class Base>
struct errors_are_for_nobody : Base {
    using Base::Base;

protected:
    void tell_origin(call const& c, http_response& r) override {
        if (r.status < 400) Base::tell_origin(c, r);
        if (!r.headers.find("Access-Control-Allow-Origin")) return;
        http_headers kept;
        for (auto const& [name, value] : r.headers)
            if (name != "Vary") kept.add(name, value);
        r.headers = kept;
    }
};

template <class Base>
struct foreign_hosts_are_forbidden : Base {
    using Base::Base;

protected:
    result<> check_host(call const& c) override {
        auto const r = Base::check_host(c);
        return r ? r : result<>{fail(errc::forbidden, "not under this name")};
    }
    /// Reads from pages that are not listed may be refused, too.
    result<> check_origin(call const& c) override {
        BSP_CHECK(Base::check_origin(c));
        auto const* origin = c.request.headers.find("Origin");
        if (origin && !this->is_listed(*origin)) return fail(errc::forbidden, "this origin is not listed");
        return ok();
    }
};

}  // namespace

std::vector<liberty> form_liberties() {
    return {
        takes<further_members>("L-GEN-01", "every JSON answer has a member that no table names", {"BSP-GEN-067"}),
        takes<members_backwards>("L-GEN-02", "members come in another order", {"BSP-GEN-014"}),
        takes<spells_json_otherwise>("L-GEN-03", "answers have white space between all tokens, and \\u escapes in most places", {"BSP-GEN-017", "BSP-GEN-031"}),
        takes<fields_of_other_form>("L-GEN-04", "media types and directives are spelled in another case, with parameters and further directives", {"BSP-GEN-003", "BSP-GEN-086", "BSP-GEN-105", "BSP-GEN-106", "BSP-GEN-092"}),
        takes<fields_in_parts>("L-GEN-05", "many further fields, and lists that come as two fields", {"BSP-GEN-105", "BSP-GEN-092", "BSP-TRN-004"}),
        takes<no_date>("L-GEN-06", "no Date", {"BSP-GEN-014"}, setting::plain, {"gen/date"}),
        takes<words_of_its_own>("L-GEN-07", "errors have other titles and details, in another language, and further members", {"BSP-GEN-086"}),
        takes<types_of_its_own>("L-GEN-08", "errors have types of another registry", {"BSP-GEN-088"}, setting::plain, {"gen/error-registry"}),
        takes<only_400>("L-GEN-09", "400 wherever a body is wrong", {"BSP-GEN-025", "BSP-GEN-026"}),
        takes<only_422>("L-GEN-10", "422 wherever a body cannot be read", {"BSP-GEN-018", "BSP-GEN-026"}),
        takes<hides_methods>("L-GEN-11", "404 where a path has other methods", {"BSP-GEN-005"}),
        takes<talkative_health>("L-GEN-12", "health says more than its status", {"BSP-GEN-107", "BSP-GEN-109"}),
        takes<takes_the_least>("L-GEN-13", "the least limits: 10 MiB, 32 levels, 1,000 messages, 500 conversations", {"BSP-GEN-070", "BSP-GEN-071", "BSP-GEN-072", "BSP-GEN-073"}),
        takes<takes_much>("L-GEN-14", "bodies of 100 MiB, with any number of conversations and messages", {"BSP-GEN-076"}),
        takes<picky>("L-GEN-15", "refuses byte order marks, second 60 but at midnight, and instants outside of the years 0001 to 9999", {"BSP-GEN-024", "BSP-GEN-114", "BSP-GEN-115"}),
        takes<generous>("L-GEN-16", "accepts byte order marks, and base64 whose unused bits are not zero", {"BSP-GEN-024", "BSP-GEN-044"}),
        takes<clock_ahead>("L-GEN-17", "its clock is 137 s ahead, and Date says so", {"BSP-GEN-014"}),
        takes<clock_slightly_behind>("L-GEN-18", "its clock is 1.6 s behind", {"BSP-GEN-014"}),
        through({.chunked = true}, takes<unchanged>("L-GEN-19", "answers come in small chunks with extensions, and a trailer", {"BSP-GEN-001"})),
        through({.one_request = true}, takes<unchanged>("L-GEN-20", "every answer is the last of its connection", {"BSP-GEN-001"})),
        through({.other_case = true}, takes<unchanged>("L-GEN-21", "names of fields come in small letters, or in capitals", {"BSP-GEN-001"})),
        through({.idle_ms = 400}, takes<unchanged>("L-GEN-22", "connections that are idle for 0.4 s are closed", {"BSP-GEN-001"})),
        through({.slow_ms = 1'500}, takes<unchanged>("L-GEN-23", "every sixteenth answer takes 1.5 s", {"BSP-GEN-083", "BSP-ID-004"})),
        takes<open_identity>("L-TRN-01", "identity and health may be read by every page", {"BSP-GEN-097"}),
        takes<preflights_like_a_middleware>("L-TRN-02", "preflights are answered with 200 and a text, allow more than was asked for, and refuse origins that are not listed", {"BSP-GEN-099", "BSP-TRN-005"}),
        takes<errors_are_for_nobody>("L-TRN-03", "a listed origin may not read errors, and nothing varies by it", {"BSP-TRN-003", "BSP-TRN-004"}, setting::plain, {"trn/listed-origin-reads", "trn/vary"}),
        takes<foreign_hosts_are_forbidden>("L-TRN-04", "foreign hosts get 403, and so do reads from origins that are not listed", {"BSP-GEN-101", "BSP-GEN-096"}, setting::local),
        through({.chunked = true, .other_case = true},
                takes_all<further_members, members_backwards, spells_json_otherwise, fields_of_other_form, fields_in_parts, words_of_its_own, types_of_its_own, only_400, hides_methods, talkative_health, takes_the_least, picky, clock_ahead,
                          open_identity, preflights_like_a_middleware>("L-GEN-99", "the liberties of forms, all at once", setting::plain, {"gen/error-registry"})),
    };
}

}  // namespace bsp::faulty
