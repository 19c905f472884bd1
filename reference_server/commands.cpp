#include "commands.hpp"

#include "audit_file.hpp"
#include "data_dir.hpp"
#include "keys_control.hpp"
#include "keys/key_store.hpp"
#include "operator_desk.hpp"
#include "pairing.hpp"
#include "storage/registry.hpp"
#include "store_control.hpp"
#include "sync_control.hpp"
#include "toolbox.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

namespace bsp::server {
namespace {

using toolbox::subject;

/// The first line of an error's text; CLI11 may add advice on further ones.
std::string one_line(std::string text) {
    std::replace(text.begin(), text.end(), '\r', ' ');
    return text.substr(0, text.find('\n'));
}

void declare_user_commands(CLI::App& app, subject& who, std::function<std::string()>& chosen) {
    auto* const user = app.add_subcommand("user", "Add or list the users who may pair backends")->require_subcommand(1)->fallthrough();
    auto* const add = user->add_subcommand("add", "Add a user; prints the new pairing secret")->fallthrough();
    add->add_option("name", who.user, "User id")->required();
    add->callback([&] { chosen = [&who] { return toolbox::add_user(who); }; });
    user->add_subcommand("list", "Print the user ids")->fallthrough()->callback([&] { chosen = [&who] { return toolbox::list_users(who); }; });
}

void declare_store_commands(CLI::App& app, config const& c, subject const& who, std::string& file, std::function<std::string()>& chosen) {
    auto* const store = app.add_subcommand("store", "Look after the database")->require_subcommand(1)->fallthrough();
    store->add_subcommand("new-epoch", "After a backup was restored, before the server starts: peers then sync from the beginning; prints the epoch")
        ->fallthrough()
        ->callback([&] { chosen = [&] { return store_control::new_epoch(c.store, who.data_dir); }; });
    auto const of_file = [&](char const* name, char const* what, char const* file_is, std::string (*run_it)(std::string const&, std::filesystem::path const&, std::filesystem::path const&)) {
        auto* const sub = store->add_subcommand(name, what)->fallthrough();
        auto* const option = sub->add_option("file", file, file_is)->type_name("FILE");
        sub->callback([&, run_it] { chosen = [&, run_it] { return run_it(c.store, who.data_dir, expand_home(file)); }; });
        return option;
    };
    of_file("backup", "Copy the database into a new file, also while the server runs", "Where the copy goes", store_control::back_up)->required();
    of_file("restore", "Put such a copy in the place of the database, while the server is stopped; peers then sync from the beginning", "The copy", store_control::restore)->required();
    of_file("check", "Look at every page of the database, also while the server runs", "A copy, instead", store_control::check);
}

void declare_content_commands(CLI::App& app, config const& c, subject const& who, std::function<std::string()>& chosen) {
    auto* const content = app.add_subcommand("content", "Look after content that is sealed at rest")->require_subcommand(1)->fallthrough();
    content->add_subcommand("rekey", "Seal all of it anew under a new key, while the server is stopped; again after a crash, to go on")->fallthrough()->callback([&] {
        chosen = [&] { return rekey_content(c.store, who.data_dir); };
    });
}

struct audit_arguments {
    std::string file, head;
};

void declare_audit_commands(CLI::App& app, config const& c, subject const& who, audit_arguments& given, std::function<std::string()>& chosen) {
    auto* const audit = app.add_subcommand("audit", "Look after the audit trail")->require_subcommand(1)->fallthrough();
    auto* const verify = audit->add_subcommand("verify", "Whether a line of it was removed, altered or moved; prints its head, to be kept elsewhere")->fallthrough();
    verify->add_option("--head", given.head, "NUMBER:HASH as an earlier run printed it: must still be part of the trail")->type_name("HEAD");
    verify->add_option("--file", given.file, "Look at a copy of the file instead, without the store")->type_name("FILE");
    verify->callback([&] { chosen = [&] { return given.file.empty() ? audit_control::verify(c.store, who.data_dir, given.head) : audit_control::verify_copy(given.file, given.head); }; });
}

struct key_arguments {
    keys_control::rotation_request rotation;
    std::string kind;  ///< of the key store to move to
};

void declare_key_commands(CLI::App& app, subject const& who, key_arguments& given, std::function<std::string()>& chosen) {
    auto* const keys = app.add_subcommand("keys", "The key that this backend signs with, and where its secrets lie")->require_subcommand(1)->fallthrough();
    keys->add_subcommand("status", "Its fingerprint; during a rotation, which peers have been told")->fallthrough()->callback([&] {
        chosen = [&who] { return keys_control::status(who.data_dir); };
    });
    auto* const rotate = keys->add_subcommand("rotate", "Replace it by a new one and tell every peer, now or when it can be reached")->fallthrough();
    rotate->add_option_function<std::uint64_t>("--grace", [&given](std::uint64_t s) { given.rotation.grace = std::chrono::seconds{s}; }, "How long peers believe the old key, at most 7d; 0 after a theft")
        ->transform(CLI::AsNumberWithUnit(std::map<std::string, std::uint64_t>{{"s", 1}, {"m", 60}, {"h", 3'600}, {"d", 86'400}}))
        ->type_name("TIME")
        ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{604'800}));
    rotate->add_flag("--abandon", given.rotation.abandons, "Give up on peers that the rotation before has not reached");
    rotate->callback([&] { chosen = [&] { return keys_control::rotate(who.data_dir, given.rotation); }; });
    keys->add_subcommand("where", "The kind of store of the private key, the pairing secrets and the admin token")->fallthrough()->callback([&] { chosen = [&who] { return key_store_kind(who.data_dir); }; });
    auto* const move = keys->add_subcommand("move", "Move these secrets to a key store of another kind, while the server is stopped")->fallthrough();
    move->add_option("kind", given.kind, "file, keychain, env or encrypted")->required()->check(CLI::IsMember(key_store_names()));
    move->callback([&] { chosen = [&] { return move_key_store(who.data_dir, given.kind); }; });
}

void declare_client_commands(CLI::App& app, subject& who, pairing_request& pairing, std::ostream& out, std::function<std::string()>& chosen) {
    auto* const handshake = app.add_subcommand("handshake", "Pair a local and a hosted backend for a user")->fallthrough();
    handshake->add_option("local", pairing.local_url, "URL of the local backend")->required();
    handshake->add_option("hosted", pairing.hosted_url, "URL of the hosted backend")->required();
    handshake->add_option("--user", who.user, "For whom; the secret is in the users file")->capture_default_str()->type_name("NAME");
    handshake->add_option("--local-fingerprint", pairing.local_fingerprint, "Go on only with this key of the local backend")->type_name("SHA256");
    handshake->add_option("--hosted-fingerprint", pairing.hosted_fingerprint, "Go on only with this key of the hosted backend")->type_name("SHA256");
    handshake->callback([&] { chosen = [&] { return pair_backends(who, pairing, out); }; });

    auto* const sync = app.add_subcommand("sync", "Synchronizing with peers: how it goes, at once, off and on")->require_subcommand(1)->fallthrough();
    auto const command = [&](char const* name, char const* what, std::function<std::string()> run_it) {
        sync->add_subcommand(name, what)->fallthrough()->callback([&chosen, run_it = std::move(run_it)] { chosen = run_it; });
    };
    command("status", "Each peer: what is in the way, what is due, the last error and success", [&who] { return sync_control::status(who.data_dir); });
    command("now", "Synchronize at once, whatever failed before", [&who] { return sync_control::now(who.data_dir); });
    command("on", "Synchronize from now on", [&who] { return sync_control::turn(who.data_dir, true); });
    command("off", "Do not synchronize until switched on again", [&who] { return sync_control::turn(who.data_dir, false); });
}

struct desk_arguments {
    operator_desk::question asked;
    std::string level;  ///< to log from now on; "": tell it
};

void declare_desk_commands(CLI::App& app, desk_arguments& given, std::ostream& out, std::function<std::string()>& chosen) {
    auto& q = given.asked;
    auto const command = [&](char const* name, char const* what, std::function<std::string()> run_it) {
        auto* const sub = app.add_subcommand(name, what)->fallthrough();
        sub->add_option("--url", q.url, "Where the server answers, when not as it has written into its data directory")->type_name("URL");
        sub->add_flag("--json", q.as_json, "For programs");
        sub->callback([&chosen, run_it = std::move(run_it)] { chosen = run_it; });
        return sub;
    };
    auto const levels = CLI::IsMember(std::vector<std::string>{"debug", "info", "warning", "error"});
    command("status", "How the running server is: what is wrong and since when", [&q] { return operator_desk::status(q); });
    command("peers", "Its peers, one line each", [&q] { return operator_desk::peers(q); });
    command("queue", "What waits to be sent to them", [&q] { return operator_desk::queue(q); });
    auto* const tail = command("tail", "Its log: the latest lines, and then every new one", [&q, &out] { return operator_desk::tail(q, out); });
    tail->add_option("--lines", q.lines, "How many of the latest")->check(CLI::Range(std::size_t{1}, std::size_t{1'000}))->capture_default_str()->type_name("N");
    tail->add_option("--level", q.level, "This grave or graver")->check(levels)->capture_default_str()->type_name("LEVEL");
    command("log-level", "What it logs from now on", [&q, &given] { return operator_desk::log_level(q, given.level); })
        ->add_option("level", given.level, "debug, info, warning or error; nothing: tell it")
        ->check(levels);
}

struct token_arguments {
    std::string method, target, sync_id;
};

void declare_token_commands(CLI::App& app, subject& who, token_arguments& given, std::istream& in, std::function<std::string()>& chosen) {
    auto* const token = app.add_subcommand("token", "Mint what curl needs to talk to this server")->require_subcommand(1)->fallthrough();
    token->add_option("--user", who.user, "Whose credentials")->capture_default_str()->type_name("NAME");
    token->add_option("--peer", who.peer, "Name of a throwaway peer, made at its first use")->capture_default_str()->type_name("NAME");
    token->add_option("--peer-id", who.peer_id, "The peer's id, when it cannot be looked up in the data directory")->type_name("ID");

    auto const command = [&](char const* name, char const* what, std::function<std::string()> run_it) {
        auto* const sub = token->add_subcommand(name, what)->fallthrough();
        sub->callback([&chosen, run_it = std::move(run_it)] { chosen = run_it; });
        return sub;
    };
    auto const with_request = [&](CLI::App* sub) {
        sub->add_option("method", given.method, "Such as GET")->required();
        sub->add_option("target", given.target, "Such as /conversations/main")->required();
    };
    command("secret", "The user's pairing secret", [&who] { return toolbox::secret(who); });
    command("sbt", "A session binding token", [&who] { return toolbox::sbt(who); });
    command("register", "The body of POST /register-peer", [&who] { return toolbox::registration(who); });
    command("peer-id", "The id that the registration gave the peer", [&who] { return toolbox::peer_id(who); });
    with_request(command("user", "Authorization of a request by the user", [&who, &given] { return toolbox::user_authorization(who, given.method, given.target); }));
    with_request(command("peer", "Authorization of a request by the peer", [&who, &given] { return toolbox::peer_authorization(who, given.method, given.target); }));
    command("admin", "Authorization of a request by the administrator", [&who] { return toolbox::admin_authorization(who); });
    command("push", "The signed body of POST /sync/{peer_id}, from conversations on standard input",
            [&who, &given, &in] { return toolbox::push(who, in, given.sync_id); })
        ->add_option("--sync-id", given.sync_id, "Repeat an earlier push")
        ->type_name("ID");
}

}  // namespace

int run(int argc, char const* const* argv, std::istream& in, std::ostream& out, std::ostream& err, std::function<int(config const&)> const& serve) {
    config c;
    subject who;
    token_arguments given;
    audit_arguments trail;
    pairing_request pairing;
    key_arguments keys;
    desk_arguments desk;
    std::string copy;  ///< of the store
    std::function<std::string()> chosen;

    CLI::App app{"The reference server of the Backend Sync Protocol.\n"
                 "Every option can also be set in the environment (--data-dir: BSP_DATA_DIR) and in the --config file;\n"
                 "the command line wins over the environment, the environment over the file.",
                 "bsp-server"};
    app.set_version_flag("--version", "bsp-server 1.0.0 (BSP 1.0)");
    declare_options(app, c);
    declare_user_commands(app, who, chosen);
    declare_store_commands(app, c, who, copy, chosen);
    declare_content_commands(app, c, who, chosen);
    declare_audit_commands(app, c, who, trail, chosen);
    declare_key_commands(app, who, keys, chosen);
    declare_token_commands(app, who, given, in, chosen);
    declare_client_commands(app, who, pairing, out, chosen);
    declare_desk_commands(app, desk, out, chosen);

    try {
        std::vector<std::string> arguments = arguments_of_environment(app);
        arguments.insert(arguments.end(), argv + std::min(argc, 1), argv + argc);
        std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
        app.parse(std::move(arguments));
    } catch (CLI::Success const& asked) {
        app.exit(asked, out, err);
        return exit_ok;
    } catch (CLI::Error const& wrong) {
        err << "bsp-server: " << one_line(wrong.what()) << "; see bsp-server --help\n";
        return exit_usage;
    }

    try {
        if (!chosen) {
            validate(c);
            return serve(c);
        }
        who.data_dir = expand_home(c.data_dir);
        who.store = c.store;
        desk.asked.data_dir = who.data_dir;
        if (!c.ca_file.empty()) pairing.ca_file = desk.asked.ca_file = expand_home(c.ca_file);
        if (!c.users.empty()) who.users = expand_home(c.users);
        out << chosen() << '\n';
        return exit_ok;
    } catch (not_achieved const& why) {
        err << "bsp-server: " << why.what() << '\n';
        return exit_failed;
    } catch (std::exception const& wrong) {
        err << "bsp-server: " << one_line(wrong.what()) << '\n';
        return exit_usage;
    }
}

}  // namespace bsp::server
