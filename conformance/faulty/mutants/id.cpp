#include "../faults.hpp"

#include "lenient_json.hpp"

#include <bsp/base/encoding.hpp>

#include <thread>

/// Faults of `GET /identity`.
namespace bsp::faulty {

namespace {

/// A member of the identity replaced.
template <class Change>
struct identity_with : backend {
    using backend::backend;
    json::object identity(call const& c) override {
        json::object out = backend::identity(c);
        Change{}(out, c, *this);
        return out;
    }
    rsa_private_key const& own_key() { return key(); }
};

struct private_key_told {
    void operator()(json::object& o, call const&, auto& b) const { o["private_key"] = b.own_key().pem(); }
};
struct small_key_told {
    // A key of 1024 bits, which nothing here could sign with.
    void operator()(json::object& o, call const&, auto&) const {
        bytes modulus(128, 0xC5);
        bytes const exponent{1, 0, 1};
        o["public_key"] = detail::write_pem(encode_spki(modulus, exponent), "PUBLIC KEY");
    }
};
struct one_line_key {
    void operator()(json::object& o, call const&, auto&) const {
        std::string pem{json::view(o["public_key"].as_string())};
        o["public_key"] = replaced(replaced(replaced(pem, "-----BEGIN PUBLIC KEY-----", ""), "-----END PUBLIC KEY-----", ""), "\n", "");
    }
};
struct lines_of_76 {
    void operator()(json::object& o, call const&, auto& b) const {
        std::string const base64 = to_base64(detail::read_pem(b.own_key().public_key().pem(), "PUBLIC KEY").value());
        std::string pem = "-----BEGIN PUBLIC KEY-----\n";
        for (std::size_t at = 0; at < base64.size(); at += 76) pem += base64.substr(at, 76) + "\n";
        o["public_key"] = pem + "-----END PUBLIC KEY-----\n";
    }
};
struct other_id_each_time {
    void operator()(json::object& o, call const&, auto&) const { o["backend_id"] = std::string{json::view(o["backend_type"].as_string())} + "_sha256_" + random_hex(8); }
};
struct prefix_not_type {
    void operator()(json::object& o, call const&, auto&) const { o["backend_type"] = o["backend_type"].as_string() == "local" ? "hosted" : "local"; }
};
struct version_number {
    void operator()(json::object& o, call const&, auto&) const { o["version"] = 1.0; }
};
struct version_without_minor {
    void operator()(json::object& o, call const&, auto&) const { o["version"] = "1"; }
};
struct created_now {
    void operator()(json::object& o, call const& c, auto&) const { o["created_at"] = format_timestamp(c.now); }
};
struct created_naive {
    void operator()(json::object& o, call const&, auto&) const { o["created_at"] = replaced(json::view(o["created_at"].as_string()), "Z", ""); }
};
struct capabilities_object {
    void operator()(json::object& o, call const&, auto&) const { o["capabilities"] = json::object{{"persistence", true}}; }
};
struct capability_twice {
    void operator()(json::object& o, call const&, auto&) const { o["capabilities"] = json::array{"persistence", "persistence"}; }
};
struct no_created {
    void operator()(json::object& o, call const&, auto&) const { o.erase("created_at"); }
};
struct upper_case_id {
    void operator()(json::object& o, call const&, auto&) const {
        std::string id{json::view(o["backend_id"].as_string())};
        for (std::size_t i = id.rfind('_') + 1; i < id.size(); ++i) id[i] = static_cast<char>(id[i] >= 'a' ? id[i] - 32 : 'A');
        o["backend_id"] = id;
    }
};
struct needs_credential : backend {
    using backend::backend;
    answer serve_identity(call const& c) override {
        BSP_CHECK(authenticate(c, admin_may | user_may | peer_may));
        return backend::serve_identity(c);
    }
};
struct slow : backend {
    using backend::backend;
    // The cause in the wild is a new key for every request.
    answer serve_identity(call const& c) override {
        std::this_thread::sleep_for(std::chrono::milliseconds{700});
        return backend::serve_identity(c);
    }
};
struct forgets_itself : backend {
    using backend::backend;
    void restart() override {
        backend_id_ = settings_.backend_type + "_sha256_" + random_hex(8);
        key_ = rsa_private_key::generate();
    }
};
struct cross_origin : backend {
    using backend::backend;
    void finish(call const& c, http_response& r) override {
        backend::finish(c, r);
        if (!c.segments.empty() && c.segments[0] == "identity") r.headers.set("Access-Control-Allow-Origin", "*");
    }
};
struct epoch_each_time : backend {
    using backend::backend;
    std::string epoch() override { return random_hex(8); }
};

}  // namespace

std::vector<fault> id_faults() {
    return {
        {"F-ID-01", "the private key is in the identity", {"id/no-private-key"}, make<identity_with<private_key_told>>},
        {"F-ID-02", "the key has 1024 bits", {"id/key-acceptable"}, make<identity_with<small_key_told>>},
        {"F-ID-03", "the key is one line of base64", {"id/key-acceptable"}, make<identity_with<one_line_key>>},
        {"F-ID-04", "another backend_id at each request", {"id/stable"}, make<identity_with<other_id_each_time>>},
        {"F-ID-05", "id and key change at a restart", {"id/restart"}, make<forgets_itself>, setting::restart},
        {"F-ID-06", "the prefix of the id is not the type", {"id/prefix"}, make<identity_with<prefix_not_type>>},
        {"F-ID-07", "version is the number 1.0", {"id/members"}, make<identity_with<version_number>>},
        {"F-ID-08", "created_at is the time of the request", {"id/created-at-stable"}, make<identity_with<created_now>>},
        {"F-ID-09", "created_at has no Z", {"id/created-at"}, make<identity_with<created_naive>>},
        {"F-ID-10", "capabilities is an object", {"id/capabilities"}, make<identity_with<capabilities_object>>},
        {"F-ID-11", "the identity asks for a credential", {"id/no-credential"}, make<needs_credential>},
        {"F-ID-12", "the identity takes longer than 500 ms", {"id/fast"}, make<slow>},
        {"F-ID-13", "BACKEND_PRIVATE_KEY is ignored (needs the target's environment, which the suite does not have)", {}, nullptr, setting::unreachable},
        {"F-ID-14", "a local identity is readable across origins", {"id/cors-local"}, make<cross_origin>, setting::local},
        {"F-ID-101", "created_at is missing", {"id/members"}, make<identity_with<no_created>>},
        {"F-ID-102", "a capability is repeated", {"id/capabilities"}, make<identity_with<capability_twice>>},
        {"F-ID-104", "the key's lines have 76 characters", {"id/key-acceptable"}, make<identity_with<lines_of_76>>},
        {"F-ID-105", "another epoch at each request", {"id/epoch"}, make<epoch_each_time>},
        {"F-ID-106", "the id is in upper case", {"id/form"}, make<identity_with<upper_case_id>>},
        {"F-ID-107", "version has no minor number", {"id/members"}, make<identity_with<version_without_minor>>},
    };
}

}  // namespace bsp::faulty
