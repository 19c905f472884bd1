#include "support.hpp"

#include <reference_server/data_dir.hpp>
#include <reference_server/secure_file.hpp>
#include <reference_server/users.hpp>

#include <bsp/base/identifier.hpp>

#include <boost/test/unit_test.hpp>

#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <functional>

namespace server = bsp::server;

namespace {

int mode_of(std::filesystem::path const& path) {
    struct stat s {};
    BOOST_REQUIRE(::stat(path.c_str(), &s) == 0);
    return static_cast<int>(s.st_mode & 0777);
}

/// What the error says, "" when there is none.
std::string complaint(std::function<void()> const& f) {
    try {
        f();
        return {};
    } catch (std::runtime_error const& why) {
        return why.what();
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(data_dir)

BOOST_AUTO_TEST_CASE(a_first_start_makes_everything_for_its_owner_only) {
    support::scratch home;
    auto const dir = home / "deep/er/.bsp";
    server::make_data_dir(dir);
    auto const made = server::open_installation(dir, "");
    server::open_users(dir);
    auto const token = server::open_admin_token(dir);
    BOOST_TEST(mode_of(dir) == 0700);
    for (char const* file : {"identity.json", "identity.key", "users.json", "admin.token"}) BOOST_TEST(mode_of(dir / file) == 0600);
    BOOST_TEST(made.self.backend_type == "local");
    BOOST_TEST(bsp::is_produced_backend_id(made.self.backend_id));
    BOOST_TEST(made.self.public_key_pem == made.key.public_key().pem());
    BOOST_TEST(token.size() == 43u);
    auto const users = server::parse_users(support::read_file(dir / "users.json"), "users.json");
    BOOST_TEST(users.size() == 4u);
    BOOST_TEST(users.at("alice") != users.at("bob"));
}

BOOST_AUTO_TEST_CASE(identity_key_and_token_survive) {
    support::scratch dir;
    auto const before = server::open_installation(dir.path(), "hosted");
    auto const after = server::open_installation(dir.path(), "");
    BOOST_TEST(before.self.backend_id == after.self.backend_id);
    BOOST_TEST(before.self.backend_type == "hosted");
    BOOST_TEST(after.self.backend_type == "hosted");
    BOOST_TEST((before.self.created_at == after.self.created_at));
    BOOST_TEST(before.self.public_key_pem == after.self.public_key_pem);
    BOOST_TEST(server::open_admin_token(dir.path()) == server::open_admin_token(dir.path()));
}

// BSP-ROT-072, BSP-ROT-073
BOOST_AUTO_TEST_CASE(a_rotation_is_whole_or_not_there) {
    support::scratch dir;
    auto const before = server::open_installation(dir.path(), "local");
    auto const next = bsp::rsa_private_key::generate();
    bsp::instant const now{1'767'139'200, 0}, later = now + std::chrono::hours{1};
    auto const old_file = support::read_file(dir / "identity.key");
    auto const after = server::rotate_installation(dir.path(), next, {before.key, now, later, later}, true, false);
    BOOST_TEST((after.key.public_key() == next.public_key()));
    BOOST_TEST(after.self.backend_id == before.self.backend_id);
    BOOST_REQUIRE(after.rotation.has_value());
    BOOST_TEST((after.rotation->replaced.public_key() == before.key.public_key()));
    BOOST_TEST((after.rotation->grace_expires_at == later));
    BOOST_TEST(mode_of(dir / "rotation.json") == 0600);
    BOOST_TEST(mode_of(dir / "identity.key") == 0600);
    BOOST_TEST(complaint([&] { (void)server::rotate_installation(dir.path(), before.key, {next, now, later, later}, true, false); }).find("under way") != std::string::npos);

    server::write_private_file(dir / "identity.key", old_file, true);  // a crash between the two files
    BOOST_TEST((server::open_installation(dir.path(), "").key.public_key() == next.public_key()));

    server::end_rotation(dir.path());
    BOOST_TEST(!std::filesystem::exists(dir / "rotation.json"));
    auto const done = server::open_installation(dir.path(), "");
    BOOST_TEST(!done.rotation.has_value());
    BOOST_TEST((done.key.public_key() == next.public_key()));
}

BOOST_AUTO_TEST_CASE(another_type_is_refused) {
    support::scratch dir;
    (void)server::open_installation(dir.path(), "local");
    BOOST_TEST(complaint([&] { (void)server::open_installation(dir.path(), "hosted"); }).find("--type") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(secrets_that_others_can_read_are_refused) {
    support::scratch dir;
    (void)server::open_installation(dir.path(), "");
    (void)server::open_admin_token(dir.path());
    for (mode_t const mode : {0640u, 0604u, 0620u, 0601u}) {
        ::chmod((dir / "identity.key").c_str(), mode);
        BOOST_TEST(complaint([&] { (void)server::open_installation(dir.path(), ""); }).find("chmod 600") != std::string::npos);
        ::chmod((dir / "admin.token").c_str(), mode);
        BOOST_TEST(complaint([&] { (void)server::open_admin_token(dir.path()); }).find("chmod 600") != std::string::npos);
    }
    ::chmod((dir / "identity.key").c_str(), 0400);
    BOOST_TEST(complaint([&] { (void)server::open_installation(dir.path(), ""); }) == "");
}

BOOST_AUTO_TEST_CASE(a_lost_or_broken_key_is_not_replaced_in_silence) {
    support::scratch dir;
    (void)server::open_installation(dir.path(), "");
    server::write_private_file(dir / "identity.key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", true);
    BOOST_TEST(complaint([&] { (void)server::open_installation(dir.path(), ""); }).find("identity.key") != std::string::npos);
    std::filesystem::remove(dir / "identity.key");
    BOOST_TEST(complaint([&] { (void)server::open_installation(dir.path(), ""); }).find("missing") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_broken_identity_is_refused) {
    support::scratch dir;
    (void)server::open_installation(dir.path(), "");
    for (char const* text : {"", "{", "[]", "{}", R"({"backend_id":"hosted_x","backend_type":"local","created_at":"2025-01-01T00:00:00Z"})"}) {
        server::write_private_file(dir / "identity.json", text, true);
        BOOST_TEST(complaint([&] { (void)server::open_installation(dir.path(), ""); }).find("identity.json") != std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(the_environments_key_wins_with_real_and_with_escaped_line_ends) {
    support::scratch dir;
    (void)server::open_installation(dir.path(), "");
    auto const key = bsp::rsa_private_key::generate();
    std::string escaped = key.pem();
    for (std::size_t at = 0; (at = escaped.find('\n', at)) != std::string::npos; at += 2) escaped.replace(at, 1, "\\n");
    for (std::string const& pem : {key.pem(), escaped}) {
        ::setenv("BACKEND_PRIVATE_KEY", pem.c_str(), 1);
        BOOST_TEST(server::open_installation(dir.path(), "").self.public_key_pem == key.public_key().pem());
    }
    ::setenv("BACKEND_PRIVATE_KEY", "nonsense", 1);
    std::string const said = complaint([&] { (void)server::open_installation(dir.path(), ""); });
    ::unsetenv("BACKEND_PRIVATE_KEY");
    BOOST_TEST(said.find("BACKEND_PRIVATE_KEY") != std::string::npos);
    BOOST_TEST(said.find("nonsense") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(home_is_expanded_and_nothing_else) {
    ::setenv("HOME", "/h", 1);
    BOOST_TEST(server::expand_home("~/.bsp") == "/h/.bsp");
    BOOST_TEST(server::expand_home("~") == "/h");
    BOOST_TEST(server::expand_home("~other/x") == "~other/x");
    BOOST_TEST(server::expand_home("/a/~/b") == "/a/~/b");
}

BOOST_AUTO_TEST_CASE(wrong_users_files_are_explained_without_their_secrets) {
    std::string const secret(31, 's');
    for (std::string const& text : {std::string{"{"}, std::string{"[]"}, "{\"alice\":\"" + secret + "\"}", std::string{R"({"alice":1})"},
                                    "{\"anonymous\":\"" + secret + "s\"}", "{\"\":\"" + secret + "s\"}", R"({"a\u0007":")" + secret + "s\"}",
                                    "{\"a\":\"" + secret + "s\",\"a\":\"" + secret + "s\"}"}) {
        std::string const said = complaint([&] { (void)server::parse_users(text, "users.json"); });
        BOOST_TEST(said.starts_with("users.json: "), text);
        BOOST_TEST(said.find(secret) == std::string::npos);
    }
    BOOST_TEST(complaint([&] { (void)server::users_file{"/nonexistent/users.json"}; }) != "");
}

BOOST_AUTO_TEST_CASE(a_users_file_is_read_again_when_it_changes) {
    support::scratch dir;
    std::string const first(32, 'a'), second(32, 'b');
    server::write_private_file(dir / "u", server::format_users({{"J\xC3\xB6rg \"x\"", first}}));
    server::users_file file{dir / "u"};
    BOOST_TEST((file.secret_of("J\xC3\xB6rg \"x\"") == first));
    BOOST_TEST(!file.secret_of("dora").has_value());
    server::write_private_file(dir / "u", server::format_users({{"dora", second}}), true);
    BOOST_TEST((file.secret_of("dora") == second));
    BOOST_TEST(!file.secret_of("J\xC3\xB6rg \"x\"").has_value());
    server::write_private_file(dir / "u", "{ broken", true);
    BOOST_TEST((file.secret_of("dora") == second));
    std::filesystem::remove(dir / "u");
    BOOST_TEST((file.secret_of("dora") == second));
}

BOOST_AUTO_TEST_SUITE_END()
