#include "../backend.hpp"
#include "../faults.hpp"

// One handler in a corner that differs from all others in what every answer has in common.

namespace bsp::faulty {
namespace {

bool is_one(http_request const& r, std::string_view method, std::string_view path) { return r.method == method && std::string_view{r.target}.substr(0, r.target.find('?')) == path; }

http_response without(std::string_view field, http_response const& r) {
    http_response out{r.status, {}, r.body};
    for (auto const& [name, value] : r.headers)
        if (!http_headers::same_name(name, field)) out.headers.add(name, value);
    return out;
}

/// A query of the list of peers that is no number.
struct peers_query_crashes : backend {
    using backend::backend;
    answer list_peers(call const& c) override {
        for (auto const& [name, value] : c.query)
            if (name == "limit" && value.find_first_not_of("0123456789") != std::string::npos) return fail(errc::internal, "unexpected");
        return backend::list_peers(c);
    }
};

struct peers_in_loose_json : backend {
    using backend::backend;
    http_response serve(http_request const& request, instant now) override {
        auto r = backend::serve(request, now);
        if (is_one(request, "GET", "/peers") && r.status >= 400) r.body.insert(r.body.size() - 1, ",");
        return r;
    }
};

struct digest_tells_query : backend {
    using backend::backend;
    http_response serve(http_request const& request, instant now) override {
        auto r = backend::serve(request, now);
        if (request.method == "GET" && request.target.ends_with("/digest") && r.status >= 400 && !r.body.empty()) r.body.insert(1, "\"debug\":\"SELECT digest FROM messages WHERE peer = ?\",");
        return r;
    }
};

struct events_refused_in_text : backend {
    using backend::backend;
    http_response serve(http_request const& request, instant now) override {
        auto r = backend::serve(request, now);
        if (!is_one(request, "GET", "/telemetry/events") || r.status < 400) return r;
        r.body = "not allowed";
        r.headers.set("Content-Type", "text/plain");
        return r;
    }
};

struct deletions_without_challenge : backend {
    using backend::backend;
    http_response serve(http_request const& request, instant now) override {
        auto r = backend::serve(request, now);
        return r.status == 401 && request.method == "DELETE" && request.target.starts_with("/conversations/") ? without("WWW-Authenticate", r) : r;
    }
};

struct writes_may_be_stored : backend {
    using backend::backend;
    http_response serve(http_request const& request, instant now) override {
        auto r = backend::serve(request, now);
        return request.method == "POST" && request.target.ends_with("/messages") ? without("Cache-Control", r) : r;
    }
};

}  // namespace

std::vector<fault> every_answer_faults() {
    return {
        {"F-GEN-301", "GET /peers with a limit that is no number is answered with 500", {"gen/every-answer-no-5xx"}, make<peers_query_crashes>},
        {"F-GEN-302", "refusals of GET /peers end with a comma too many", {"gen/every-answer-readable"}, make<peers_in_loose_json>},
        {"F-GEN-303", "refusals of a digest tell the SQL", {"gen/every-refusal-silent"}, make<digest_tells_query>},
        {"F-GEN-304", "refusals of GET /telemetry/events are plain text", {"gen/every-refusal-problem"}, make<events_refused_in_text>},
        {"F-GEN-305", "401 on deletions has no WWW-Authenticate", {"gen/every-401-challenges"}, make<deletions_without_challenge>},
        {"F-GEN-306", "answers to local writes may be stored", {"gen/every-answer-unstored"}, make<writes_may_be_stored>},
    };
}

}  // namespace bsp::faulty
