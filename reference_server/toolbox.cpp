#include "toolbox.hpp"

#include "data_dir.hpp"
#include "keys/key_store.hpp"
#include "secure_file.hpp"
#include "storage/registry.hpp"
#include "users.hpp"

#include <bsp/adapters/system_clock.hpp>
#include <bsp/auth/assertion.hpp>
#include <bsp/base/encoding.hpp>
#include <bsp/base/identifier.hpp>
#include <bsp/crypto/random.hpp>
#include <bsp/crypto/signed_object.hpp>
#include <bsp/json/parse.hpp>
#include <bsp/sbt/sbt.hpp>

#include <boost/json/serialize.hpp>

#include <chrono>
#include <iterator>
#include <stdexcept>

namespace bsp::server::toolbox {
namespace {

using namespace std::chrono_literals;

struct throwaway_peer {
    std::string backend_id;
    std::string backend_type;
    rsa_private_key key;
};

std::string random_hex(std::size_t count) {
    bytes random(count);
    random_bytes(random);
    return to_hex(random);
}

installation callee(subject const& who) {
    if (!std::filesystem::exists(who.data_dir / "identity.json"))
        throw std::runtime_error{who.data_dir.string() + " has no identity yet; start bsp-server once, or name its --data-dir"};
    return open_installation(who.data_dir, "");
}

/// The pairing secrets, wherever they are.
struct users_text {
    std::unique_ptr<key_store> keys;  ///< nullptr: a file that was named
    std::filesystem::path file;

    explicit users_text(subject const& who) : keys{who.users.empty() ? open_key_store(who.data_dir) : nullptr}, file{who.users} {}
    [[nodiscard]] std::string place() const { return keys ? keys->place_of("users.json") : file.string(); }
    [[nodiscard]] std::optional<std::string> read() const { return keys ? keys->read("users.json") : read_file(file); }
    void write(std::string const& text) const {
        if (keys) keys->write("users.json", text);
        else write_private_file(file, text, true);
    }
};

users read_users(subject const& who) {
    users_text const all{who};
    auto const text = all.read();
    if (!text) throw std::runtime_error{all.place() + " does not exist; start bsp-server once, or name its --data-dir"};
    return parse_users(*text, all.place());
}

/// A callee is paired with a backend of the other type.
throwaway_peer peer_of(subject const& who, identity const& self) {
    if (!is_identifier(who.peer)) throw std::runtime_error{"--peer: must be made of letters, digits and . _ : @ ~ -"};
    auto const dir = who.data_dir / "peers";
    make_data_dir(dir);
    auto const path = dir / (who.peer + ".json");
    auto text = read_private_file(path);
    if (!text) {
        std::string const type = self.backend_type == "local" ? "hosted" : "local";
        text = json::serialize(json::object{{"backend_id", type + "_sha256_" + random_hex(16)}, {"backend_type", type}, {"private_key", rsa_private_key::generate().pem()}});
        write_private_file(path, *text);
    }
    auto const value = json::parse(*text);
    try {
        auto const& o = value.value().as_object();
        auto const member = [&](char const* name) { return std::string{o.at(name).as_string().data(), o.at(name).as_string().size()}; };
        return {member("backend_id"), member("backend_type"), rsa_private_key::from_pem(member("private_key")).value()};
    } catch (std::exception const&) {
        throw std::runtime_error{path.string() + " is not valid; remove it to have a new peer made"};
    }
}

json::object mint(subject const& who, identity const& self, throwaway_peer const& peer) {
    sbt_claims claims;
    claims.session_id = "sess_" + random_hex(8);
    claims.local_backend_id = self.backend_type == "local" ? self.backend_id : peer.backend_id;
    claims.hosted_backend_id = self.backend_type == "local" ? peer.backend_id : self.backend_id;
    claims.user_id = who.user;
    claims.created_at = {system_clock{}.now().seconds, 0};
    claims.expires_at = claims.created_at + 8h;
    return mint_sbt(claims, secret(who));
}

assertion_claims claims_for(identity const& self, std::string const& method, std::string const& target) {
    assertion_claims claims;
    claims.aud = self.backend_id;
    claims.jti = "jti_" + random_hex(12);
    claims.htm = method;
    std::size_t const scheme = target.find("://");
    std::size_t const path = scheme == std::string::npos ? 0 : target.find('/', scheme + 3);
    claims.htu = path == std::string::npos ? "/" : target.substr(path);
    if (!claims.htu.starts_with('/')) throw std::runtime_error{"'" + target + "' is not a path such as /conversations/main"};
    claims.iat = system_clock{}.now().seconds;
    claims.exp = claims.iat + 300;
    return claims;
}

std::string registered_id(subject const& who, throwaway_peer const& peer) {
    if (!who.peer_id.empty()) return who.peer_id;
    std::optional<peer_record> record;
    if (is_postgres(who.store) || std::filesystem::exists(who.data_dir / "bsp.db")) {
        auto const store = open_store(is_postgres(who.store) ? who.store : "sqlite", who.data_dir);
        auto const found = store->read([&](store_reader& r) { return r.registration(who.user, peer.backend_id); });
        if (!found) throw std::runtime_error{"the store cannot be read: " + found.error().detail};
        record = *found;
    }
    if (!record)
        throw std::runtime_error{"the peer '" + who.peer + "' is not registered for " + who.user +
                                 "; send the output of 'bsp-server token register' to /register-peer, or name its --peer-id"};
    return record->peer_id;
}

}  // namespace

std::string add_user(subject const& who) {
    users_text const all{who};
    auto const text = all.read();
    users book = text ? parse_users(*text, all.place()) : users{};
    auto const [at, added] = book.emplace(who.user, new_secret());
    if (!added) throw std::runtime_error{"the user " + who.user + " exists already"};
    std::string const new_text = format_users(book);
    (void)parse_users(new_text, all.place());  // says what is wrong with the new name
    all.write(new_text);
    return at->second;
}

std::string list_users(subject const& who) {
    std::string names;
    for (auto const& entry : read_users(who)) names += (names.empty() ? "" : "\n") + entry.first;
    return names;
}

std::string secret(subject const& who) {
    auto const book = read_users(who);
    auto const found = book.find(who.user);
    if (found == book.end()) throw std::runtime_error{"there is no user " + who.user + " in " + users_text{who}.place() + "; see 'bsp-server user list'"};
    return found->second;
}

std::string sbt(subject const& who) {
    installation const callee_side = callee(who);
    return json::serialize(mint(who, callee_side.self, peer_of(who, callee_side.self)));
}

std::string registration(subject const& who) {
    installation const callee_side = callee(who);
    throwaway_peer const peer = peer_of(who, callee_side.self);
    json::object const identity{{"backend_id", peer.backend_id},
                                {"backend_type", peer.backend_type},
                                {"public_key", peer.key.public_key().pem()},
                                {"capabilities", json::array{}},
                                {"version", "1.0"},
                                {"created_at", format_timestamp({system_clock{}.now().seconds, 0})}};
    return json::serialize(json::object{{"backend_identity", identity}, {"sbt", mint(who, callee_side.self, peer)}});
}

std::string peer_id(subject const& who) { return registered_id(who, peer_of(who, callee(who).self)); }

std::string user_authorization(subject const& who, std::string const& method, std::string const& target) {
    auto claims = claims_for(callee(who).self, method, target);
    claims.iss = claims.sub = who.user;
    return "BSP-User " + mint_user_assertion(claims, secret(who));
}

std::string peer_authorization(subject const& who, std::string const& method, std::string const& target) {
    installation const callee_side = callee(who);
    throwaway_peer const peer = peer_of(who, callee_side.self);
    auto claims = claims_for(callee_side.self, method, target);
    claims.iss = peer.backend_id;
    claims.sub = registered_id(who, peer);
    return "BSP " + mint_peer_assertion(claims, peer.key);
}

std::string admin_authorization(subject const& who) { return "Bearer " + open_admin_token(who.data_dir); }

std::string push(subject const& who, std::istream& conversations, std::string const& sync_id) {
    installation const callee_side = callee(who);
    throwaway_peer const peer = peer_of(who, callee_side.self);
    std::string const text{std::istreambuf_iterator<char>{conversations}, {}};
    auto const parsed = json::parse(text);
    if (!parsed) throw std::runtime_error{"standard input: " + parsed.error().detail};
    json::array list;
    if (parsed->is_array()) list = parsed->get_array();
    else list.push_back(*parsed);
    json::object payload{{"sync_id", sync_id.empty() ? "sync_" + random_hex(12) : sync_id},
                         {"timestamp", format_timestamp(system_clock{}.now())},
                         {"peer_id", registered_id(who, peer)},
                         {"source_backend_id", peer.backend_id},
                         {"target_backend_id", callee_side.self.backend_id},
                         {"conversations", std::move(list)}};
    auto const signature = sign_object(payload, peer.key);
    if (!signature) throw std::runtime_error{"standard input cannot be signed: " + signature.error().detail};
    payload["signature"] = *signature;
    return json::serialize(payload);
}

}  // namespace bsp::server::toolbox
