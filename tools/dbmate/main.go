// dbmate's own library behind the few commands that the tests and the benchmark use, with the drivers of our engines:
// its command line also links BigQuery, ClickHouse and Spanner, which take minutes to build.
package main

import (
	"fmt"
	"net/url"
	"os"

	"github.com/amacneil/dbmate/v2/pkg/dbmate"
	_ "github.com/amacneil/dbmate/v2/pkg/driver/mysql"
	_ "github.com/amacneil/dbmate/v2/pkg/driver/postgres"
)

// dbmate <migrate|rollback|status> <folder>, on the database of DATABASE_URL; status prints how many are pending.
func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

func run(command, folder string) error {
	address, err := url.Parse(os.Getenv("DATABASE_URL"))
	if err != nil {
		return err
	}
	db := dbmate.New(address)
	db.AutoDumpSchema = false
	db.MigrationsDir = []string{folder}
	switch command {
	case "migrate":
		return db.Migrate()
	case "rollback":
		return db.Rollback()
	case "status":
		pending, err := db.Status(true)
		fmt.Println(pending)
		return err
	}
	return fmt.Errorf("no such command: %s", command)
}
